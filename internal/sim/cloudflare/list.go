package cloudflare

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// list answers the records that are visible and match the filters, by type and then by name.
func (s *Sim) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	page, ok1 := number(query, "page", 1)
	perPage, ok2 := number(query, "per_page", 100)
	if !ok1 || !ok2 || perPage > 5_000_000 {
		refuse(w, http.StatusBadRequest, 9201, "Invalid paging.")
		return
	}
	now := s.options.Clock.Now()
	s.mu.Lock()
	found := []record{}
	for _, x := range s.candidates(query) {
		if (x.VisibleAt == nil || !x.VisibleAt.After(now)) && matches(*x, query) {
			found = append(found, x.public())
		}
	}
	s.mu.Unlock()
	slices.SortFunc(found, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), a.CreatedOn.Compare(b.CreatedOn))
	})
	total := len(found)
	from := min((page-1)*perPage, total)
	found = found[from:min(from+perPage, total)]
	answer(w, http.StatusOK, envelope{Success: true, Result: found, ResultInfo: &resultInfo{
		Page: page, PerPage: perPage, Count: len(found), TotalCount: total, TotalPages: (total + perPage - 1) / perPage,
	}})
}

// candidates are the records among which those are that pass the filters; s.mu is held.
func (s *Sim) candidates(query url.Values) []*record {
	for _, filter := range []string{"name", "name.exact"} {
		if query.Has(filter) && query.Get("match") != "any" {
			return s.state.Records.byName[strings.ToLower(query.Get(filter))]
		}
	}
	return s.state.Records.all
}

// number reads a query parameter that counts from 1.
func number(query url.Values, name string, otherwise int) (int, bool) {
	if !query.Has(name) {
		return otherwise, true
	}
	n, err := strconv.Atoi(query.Get(name))
	return n, err == nil && n >= 1 && n <= 1_000_000_000
}

// tests are what a filter "name.exact", "comment.contains" and so on does; without regard to case.
var tests = map[string]func(value, wanted string) bool{
	"":           func(v, w string) bool { return v == w },
	"exact":      func(v, w string) bool { return v == w },
	"contains":   strings.Contains,
	"startswith": strings.HasPrefix,
	"endswith":   strings.HasSuffix,
	"present":    func(v, _ string) bool { return v != "" },
	"absent":     func(v, _ string) bool { return v == "" },
}

// matches reports whether a record passes the filters, all of them unless match=any.
func matches(r record, query url.Values) bool {
	values := map[string]string{
		"name": r.Name, "type": r.Type, "content": r.Content, "comment": r.Comment, "proxied": strconv.FormatBool(r.Proxied),
	}
	filters, passed := 0, 0
	for key, wanted := range query {
		field, kind, _ := strings.Cut(key, ".")
		value, known := values[field]
		test := tests[kind]
		if !known || test == nil {
			continue // Cloudflare ignores what it doesn't know
		}
		filters++
		if test(strings.ToLower(value), strings.ToLower(wanted[0])) {
			passed++
		}
	}
	if query.Get("match") == "any" {
		return filters == 0 || passed > 0
	}
	return passed == filters
}
