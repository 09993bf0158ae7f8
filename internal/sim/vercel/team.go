package vercel

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// getTeam answers the team with the token owner's membership.
func (s *Sim) getTeam(*http.Request, []byte) answer {
	const made = 1_700_000_000_000
	return ok(object{
		"id": s.config.Team, "slug": "gimbal", "name": "Gimbal", "description": nil, "avatar": nil, "creatorId": "u_1",
		"stagingPrefix": "gimbal", "createdAt": made, "updatedAt": made,
		"membership": object{
			"uid": "u_1", "teamId": s.config.Team, "role": s.config.Role, "confirmed": true, "created": made, "createdAt": made,
			"confirmedAt": made, "entitlements": []object{},
		},
	})
}

// listProjects answers a page, the newest first. "from" is the creation of the newest project that isn't listed yet.
func (s *Sim) listProjects(r *http.Request, _ []byte) answer {
	query := r.URL.Query()
	limit, from := defaultPage, int64(0)
	var err error
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > largestPage {
			return badRequest("limit must be from 1 to 100")
		}
	}
	if text := query.Get("from"); text != "" {
		if from, err = strconv.ParseInt(text, 10, 64); err != nil {
			return badRequest("from must be a number")
		}
	}
	var all []*project
	for _, p := range s.state.Projects {
		if !s.now().Before(p.Visible) && strings.Contains(p.Name, query.Get("search")) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *project) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID)) })
	page := []object{}
	pagination := object{"next": nil, "prev": nil}
	for i, p := range all {
		if made := milliseconds(p.Created); from > 0 && made > from {
			continue
		}
		if len(page) >= limit && milliseconds(p.Created) != milliseconds(all[i-1].Created) { // what was made at once stays together
			pagination["next"] = milliseconds(p.Created)
			break
		}
		page = append(page, s.projectDocument(p))
	}
	pagination["count"] = len(page)
	if len(page) > 0 {
		pagination["prev"] = page[0]["createdAt"]
	}
	return ok(object{"projects": page, "pagination": pagination})
}
