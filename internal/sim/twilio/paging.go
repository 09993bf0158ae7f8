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

// paged answers with the page of ids that a request asks for, as the API of 2010-04-01 lays it out. A page's token names the
// last record before it, so that records which appear meanwhile neither repeat nor hide others.
func paged(r *http.Request, records string, ids []string, show func(id string) any) reply {
	p, ok := asked(r.URL.Query(), ids)
	if !ok {
		return refuse(http.StatusBadRequest, codeInvalid)
	}
	end := p.end(ids)
	document := map[string]any{
		records:             p.shown(ids, show),
		"page":              p.number,
		"page_size":         p.size,
		"start":             p.start,
		"end":               max(end-1, 0),
		"uri":               r.URL.RequestURI(),
		"first_page_uri":    link(r.URL, p.size, 0, "").String(),
		"next_page_uri":     nil,
		"previous_page_uri": nil,
	}
	if next := p.next(r.URL, ids); next != nil {
		document["next_page_uri"] = next.String()
	}
	if previous := p.previous(r.URL, ids); previous != nil {
		document["previous_page_uri"] = previous.String()
	}
	return reply{http.StatusOK, document}
}

// pagedWithMeta is paged as the later APIs lay it out: what is said of the page lies under "meta", with absolute addresses.
func pagedWithMeta(r *http.Request, records string, ids []string, show func(id string) any) reply {
	p, ok := asked(r.URL.Query(), ids)
	if !ok {
		return refuse(http.StatusBadRequest, codeInvalid)
	}
	meta := map[string]any{
		"key":               records,
		"page":              p.number,
		"page_size":         p.size,
		"url":               at(r, r.URL),
		"first_page_url":    at(r, link(r.URL, p.size, 0, "")),
		"next_page_url":     nil,
		"previous_page_url": nil,
	}
	if next := p.next(r.URL, ids); next != nil {
		meta["next_page_url"] = at(r, next)
	}
	if previous := p.previous(r.URL, ids); previous != nil {
		meta["previous_page_url"] = at(r, previous)
	}
	return reply{http.StatusOK, map[string]any{records: p.shown(ids, show), "meta": meta}}
}

func (p page) end(ids []string) int { return min(p.start+p.size, len(ids)) }

func (p page) shown(ids []string, show func(id string) any) []any {
	shown := []any{}
	for _, id := range ids[p.start:p.end(ids)] {
		shown = append(shown, show(id))
	}
	return shown
}

// next is the next page's address, nil after the last.
func (p page) next(list *url.URL, ids []string) *url.URL {
	end := p.end(ids)
	if end == len(ids) {
		return nil
	}
	return link(list, p.size, p.number+1, "PA"+ids[end-1])
}

// previous is the address of the page before, nil at the first.
func (p page) previous(list *url.URL, ids []string) *url.URL {
	if p.number == 0 {
		return nil
	}
	before := ""
	if i := p.start - p.size; i > 0 {
		before = "PA" + ids[i-1]
	}
	return link(list, p.size, p.number-1, before)
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
func link(list *url.URL, size, number int, token string) *url.URL {
	query := list.Query()
	query.Set("PageSize", strconv.Itoa(size))
	query.Set("Page", strconv.Itoa(number))
	query.Del("PageToken")
	if token != "" {
		query.Set("PageToken", token)
	}
	return &url.URL{Path: list.Path, RawQuery: query.Encode()}
}

// at makes an address absolute, at the host that was asked.
func at(r *http.Request, there *url.URL) string {
	absolute := url.URL{Scheme: "https", Host: r.Host, Path: there.Path, RawQuery: there.RawQuery}
	return absolute.String()
}
