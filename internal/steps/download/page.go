package download

import (
	"cmp"
	"context"
	_ "embed" // the pages
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
)

var (
	//go:embed page/ask.html
	asking string
	//go:embed page/files.html
	begin string
	//go:embed page/file.html
	row string
	//go:embed page/end.html
	end string
)

// Show shows what a link leads to, and acts in no way: mail scanners open links. 200 with the page that asks for a code; 410 where
// the files are not given any more, 404 for a token that isn't Fleet's.
func Show(Deps) step.API {
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		w, err := find(ctx, env, r.PathParameters["token"])
		if err != nil {
			return refused(ctx, env, err), nil
		}
		return w.page(http.StatusOK, "", ""), nil
	}
}

// Give takes the page's forms: do=ask has a code mailed to the administrator, do=open and the code give the links to the files, once.
// 200 with the page that comes next; 410 and 404 as Show has them; 422 for a code that is wrong or not good any more, 429 for who asks
// too often, and 503 where the files can't be linked to now: then the code is used up all the same.
func Give(Deps) step.API {
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		w, err := find(ctx, env, r.PathParameters["token"])
		if err != nil {
			return refused(ctx, env, err), nil
		}
		answer, err := w.act(ctx, env, r)
		if fault.CodeOf(err) == fault.Overdue {
			return refused(ctx, env, err), nil
		}
		if err != nil {
			status, text := httpapi.Told(ctx, env, err, "no file is given out.")
			return w.page(status, text, ""), nil
		}
		return answer, nil
	}
}

func (w wanted) act(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	var none events.APIGatewayV2HTTPResponse
	body, err := httpapi.Body(r)
	if err != nil {
		return none, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return none, httpapi.Refuse(http.StatusBadRequest, fault.Rejected, "The form is damaged: nothing was done.")
	}
	switch form.Get("do") {
	case "ask":
		if err := ask(ctx, env, w); err != nil {
			return none, err
		}
		if err := env.Trigger(ctx, catalog.Deliver.Name); err != nil {
			env.Log.WarnContext(ctx, "deliver was not triggered; its schedule will", "code", fault.CodeOf(err))
		}
		return w.page(http.StatusOK, "", "A code is on its way to the administrator's address. It may take some minutes."), nil
	case "open":
		n, err := redeem(ctx, env, w, form.Get("code"))
		if err != nil {
			return none, err
		}
		files, err := links(ctx, env, w, n)
		if err != nil {
			return none, err
		}
		return w.give(files), nil
	}
	return none, wrong("Neither a code was asked for nor one was shown: nothing was done.")
}

// page asks for a code. Trouble, if there is any, says why nothing was done, told what was.
func (w wanted) page(status int, trouble, told string) events.APIGatewayV2HTTPResponse {
	facts := map[string]string{"Trouble": trouble, "Told": told, "Files": strconv.Itoa(w.export.Files), "Size": size(w.export.Bytes),
		"Until": day(w.export.ExpiresAt), "Digits": strconv.Itoa(fleet.CodeDigits), "Minutes": minutes(fleet.CodeValid)}
	if told != "" || status == http.StatusUnprocessableEntity {
		facts["Focus"] = "autofocus"
	}
	return httpapi.Page(status, "Download your data", httpapi.Fill(asking, w.named(facts)))
}

// give is the page with the links.
func (w wanted) give(files []file) events.APIGatewayV2HTTPResponse {
	var body strings.Builder
	body.WriteString(httpapi.Fill(begin, w.named(map[string]string{"Minutes": minutes(fleet.LinksValid)})))
	for _, f := range files {
		body.WriteString(httpapi.Fill(row, map[string]string{"Link": f.link, "Name": f.Name, "Size": size(f.Bytes)}))
	}
	body.WriteString(end)
	return httpapi.Page(http.StatusOK, "Your files", body.String())
}

func (w wanted) named(facts map[string]string) map[string]string {
	facts["Host"], facts["Made"] = w.instance.Host, day(w.export.BegunAt)
	return facts
}

// refused is the page for a link that leads nowhere, or not now.
func refused(ctx context.Context, env step.Env, err error) events.APIGatewayV2HTTPResponse {
	status, text := httpapi.Told(ctx, env, err, "no file is given out.")
	title := map[int]string{http.StatusNotFound: "This link is not valid", http.StatusGone: "This link has expired"}[status]
	return httpapi.Page(status, cmp.Or(title, "Not now"), httpapi.Fill(`<p class="trouble" role="alert">${Text}</p>`, map[string]string{"Text": text}))
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 MST") }

func minutes(d time.Duration) string { return strconv.Itoa(int(d / time.Minute)) }

// size tells a number of bytes to people, in decimal units.
func size(bytes int64) string {
	if bytes < 1000 {
		return strconv.FormatInt(bytes, 10) + " bytes"
	}
	n, unit := float64(bytes), 0
	for n >= 1000 && unit < 4 {
		n, unit = n/1000, unit+1
	}
	return strconv.FormatFloat(n, 'f', 1, 64) + " " + []string{"", "kB", "MB", "GB", "TB"}[unit]
}
