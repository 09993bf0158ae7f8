package twilio

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// Page sizes of Twilio's lists.
const (
	defaultPage = 50
	largestPage = 1000
)

// page is a list on the wire; the records lie beside under their own name.
type page struct {
	size, number int
	start        int // index of the first record
}

// paged answers with the page of ids that a request asks for. A page's token names the last record before it, so that
// records which appear meanwhile neither repeat nor hide others.
func paged(r *http.Request, records string, ids []string, show func(id string) any) reply {
	p, ok := asked(r.URL.Query(), ids)
	if !ok {
		return refuse(http.StatusBadRequest, codeInvalid)
	}
	end := min(p.start+p.size, len(ids))
	shown := []any{}
	for _, id := range ids[p.start:end] {
		shown = append(shown, show(id))
	}
	document := map[string]any{
		records:             shown,
		"page":              p.number,
		"page_size":         p.size,
		"start":             p.start,
		"end":               max(end-1, 0),
		"uri":               r.URL.RequestURI(),
		"first_page_uri":    link(r.URL, p.size, 0, ""),
		"next_page_uri":     nil,
		"previous_page_uri": nil,
	}
	if end < len(ids) {
		document["next_page_uri"] = link(r.URL, p.size, p.number+1, "PA"+ids[end-1])
	}
	if p.number > 0 {
		before := ""
		if i := p.start - p.size; i > 0 {
			before = "PA" + ids[i-1]
		}
		document["previous_page_uri"] = link(r.URL, p.size, p.number-1, before)
	}
	return reply{http.StatusOK, document}
}

// asked reads Page, PageSize and PageToken; ok is false where one is out of bounds.
func asked(query url.Values, ids []string) (p page, ok bool) {
	p.size = defaultPage
	if text := query.Get("PageSize"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > largestPage {
			return page{}, false
		}
		p.size = n
	}
	if text := query.Get("Page"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 1_000_000 {
			return page{}, false
		}
		p.number = n
	}
	p.start = min(p.number*p.size, len(ids))
	if token := query.Get("PageToken"); token != "" {
		// Where the record that the token names is gone, the page's number has to do.
		if i := slices.IndexFunc(ids, func(id string) bool { return "PA"+id == token }); i >= 0 {
			p.start = i + 1
		}
	}
	return p, true
}

// link is a page's address relative to Twilio's host.
func link(at *url.URL, size, number int, token string) string {
	query := at.Query()
	query.Set("PageSize", strconv.Itoa(size))
	query.Set("Page", strconv.Itoa(number))
	query.Del("PageToken")
	if token != "" {
		query.Set("PageToken", token)
	}
	return (&url.URL{Path: at.Path, RawQuery: query.Encode()}).String()
}
