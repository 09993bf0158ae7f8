package vercel

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Team is the team that holds every instance's project, as the token's owner sees it.
type Team struct {
	ID string // team_…
	// Role is what the token's owner is in the team: OWNER, MEMBER, DEVELOPER, VIEWER …
	Role string
	// Confirmed is false while the owner's membership waits for somebody's consent.
	Confirmed bool
	// Permissions go beyond the role: CreateProject …
	Permissions []string
}

// MayCreateProjects reports whether the token's owner may make projects: by their role, or by a permission beyond it.
func (t Team) MayCreateProjects() bool {
	return t.Confirmed && (slices.Contains([]string{"OWNER", "MEMBER", "DEVELOPER"}, t.Role) ||
		slices.Contains(t.Permissions, "CreateProject"))
}

type teamAnswer struct {
	ID         string `json:"id"`
	Membership struct {
		Confirmed   *bool    `json:"confirmed"`
		Role        string   `json:"role"`
		Permissions []string `json:"teamPermissions"`
	} `json:"membership"`
}

func (t *teamAnswer) complete() bool {
	return t.ID != "" && t.Membership.Confirmed != nil && provider.Code(t.Membership.Role) != ""
}

// Team reads the team. A token that Vercel doesn't know is refused with 403, as is one that may not reach the team; where
// there is no such team for it, provider.NotFound(err) holds.
func (c *Client) Team(ctx context.Context) (Team, error) {
	const operation = "GetTeam"
	id := c.config.Settings.VercelTeam
	var read teamAnswer
	err := c.do(ctx, request{operation: operation, method: http.MethodGet, path: "/v2/teams/" + url.PathEscape(id), teamInPath: true}, &read)
	if err != nil {
		return Team{}, err
	}
	if read.ID != id { // the path takes slugs as well, which no other call here may be given
		return Team{}, &fault.Error{Code: fault.Rejected, Vendor: vendor, Operation: operation, Status: http.StatusOK, Text: "the team has another id"}
	}
	m := read.Membership
	return Team{ID: read.ID, Role: m.Role, Confirmed: *m.Confirmed, Permissions: m.Permissions}, nil
}

type projectsAnswer struct {
	Projects   []projectAnswer `json:"projects"`
	Pagination *pagination     `json:"pagination"`
}

type pagination struct {
	Next next `json:"next"`
}

func (p *projectsAnswer) complete() bool {
	return p.Projects != nil && p.Pagination != nil &&
		!slices.ContainsFunc(p.Projects, func(one projectAnswer) bool { return !one.complete() })
}

// next is where the following page begins, a number or a string; empty for null, on the last one.
type next string

func (n *next) UnmarshalJSON(text []byte) error {
	var number json.Number
	if json.Unmarshal(text, (*string)(n)) == nil {
		return nil
	}
	err := json.Unmarshal(text, &number)
	*n = next(number)
	return err
}

// maxProjectPages ends a list that never does: 200 pages of 100.
const maxProjectPages = 200

// CountProjects counts the team's projects. Vercel tells no total, so it pages through them all.
func (c *Client) CountProjects(ctx context.Context) (int, error) {
	const operation = "GetProjects"
	query := url.Values{"limit": {"100"}}
	seen := map[string]bool{}
	for range maxProjectPages {
		var page projectsAnswer
		if err := c.do(ctx, request{operation: operation, method: http.MethodGet, path: "/v10/projects", query: query}, &page); err != nil {
			return 0, err
		}
		for _, p := range page.Projects {
			seen[p.ID] = true // a list that shifts shows one twice
		}
		if page.Pagination.Next == "" {
			return len(seen), nil
		}
		query.Set("from", string(page.Pagination.Next))
	}
	return 0, unusable(operation, http.StatusOK, "the list doesn't end")
}
