package vercel

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	defaultPage = 20
	largestPage = 100
)

// listDeployments answers a page, the newest first. The filters meta-<key> are not in Vercel's OpenAPI document; its
// command line uses them.
func (s *Sim) listDeployments(r *http.Request, _ []byte) answer {
	query := r.URL.Query()
	limit, until := defaultPage, int64(0)
	var err error
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > largestPage {
			return badRequest("limit must be from 1 to 100")
		}
	}
	if text := query.Get("until"); text != "" {
		if until, err = strconv.ParseInt(text, 10, 64); err != nil {
			return badRequest("until must be a number")
		}
	}
	id := ""
	if idOrName := query.Get("projectId"); idOrName != "" {
		p, found := s.project(idOrName)
		if !found {
			return notFound("Project not found.")
		}
		id = p.ID
	}
	page, more := []object{}, false
	var last int64
	for _, d := range s.newest(id) {
		if s.now().Before(d.Visible) || (until > 0 && milliseconds(d.Created) >= until) || !d.matches(query) {
			continue
		}
		if len(page) == limit {
			more = true
			break
		}
		page, last = append(page, s.listedDocument(d)), milliseconds(d.Created)
	}
	pagination := object{"count": len(page), "next": nil, "prev": nil}
	if more {
		pagination["next"] = last
	}
	if len(page) > 0 {
		pagination["prev"] = page[0]["created"]
	}
	return ok(object{"deployments": page, "pagination": pagination})
}

func (d *deployment) matches(query url.Values) bool {
	if target := query.Get("target"); target != "" && target != d.Target {
		return false
	}
	for name, values := range query {
		if key, is := strings.CutPrefix(name, "meta-"); is && d.Meta[key] != values[0] {
			return false
		}
	}
	return true
}

func (s *Sim) listedDocument(d *deployment) object {
	now := s.now()
	document := object{
		"uid": d.ID, "name": d.Name, "url": d.URL, "projectId": d.Project, "type": "LAMBDAS", "creator": creator,
		"created": milliseconds(d.Created), "createdAt": milliseconds(d.Created), "inspectorUrl": nil, "meta": d.Meta,
		"state": d.readyState(now), "readyState": d.readyState(now), "target": nil,
		"aliasAssigned": nil, "aliasError": d.aliasError(now),
	}
	if d.Target != "" {
		document["target"] = d.Target
	}
	if d.live(now) {
		document["aliasAssigned"] = milliseconds(d.LiveAt)
	}
	return document
}
