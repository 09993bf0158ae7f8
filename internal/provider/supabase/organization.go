package supabase

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"sync"
)

const opGetOrganization = "GetOrganization"

// Organization is the organisation that holds every instance's project.
type Organization struct {
	// Plan is "free", "pro", "team", "enterprise" or "platform"; empty where Supabase doesn't say. All projects have it.
	Plan string
}

type organizationAnswer struct {
	ID   string `json:"id"`
	Plan string `json:"plan"`
}

// plans are words, safe to print.
var plans = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{0,32}$`) })

func (a *organizationAnswer) complete() bool { return a.ID != "" && plans().MatchString(a.Plan) }

// Organization reads the organisation. A token that Supabase doesn't know is refused with 401, one that may not read the
// organisation with 403; where there is no such organisation, provider.NotFound(err) holds.
func (c *Client) Organization(ctx context.Context) (Organization, error) {
	var read organizationAnswer
	err := c.manage(ctx, request{operation: opGetOrganization, method: http.MethodGet, path: c.organizationPath(""), out: &read})
	if err != nil {
		return Organization{}, err
	}
	return Organization{Plan: read.Plan}, nil
}

func (c *Client) organizationPath(below string) string {
	return "/v1/organizations/" + url.PathEscape(c.config.Settings.SupabaseOrganization) + below
}

// CountProjects counts the organisation's projects, whatever their state, branches included.
func (c *Client) CountProjects(ctx context.Context) (int, error) {
	page := &projectPage{}
	err := c.manage(ctx, request{
		operation: opListProjects, method: http.MethodGet, out: page,
		path: withQuery(c.organizationPath("/projects"), url.Values{"limit": {"1"}}),
	})
	if err != nil {
		return 0, err
	}
	return *page.Pagination.Count, nil
}
