package vercel

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
)

// ownedPageSize is how many projects a page has: each costs a call for its domains.
const ownedPageSize = "20"

type ownedAnswer struct {
	Projects []struct {
		projectAnswer
		Environment []listedVariable `json:"env"`
	} `json:"projects"`
	Pagination *pagination `json:"pagination"`
}

func (o *ownedAnswer) complete() bool {
	for _, p := range o.Projects {
		if !p.complete() {
			return false
		}
	}
	return o.Projects != nil && o.Pagination != nil
}

// Owned lists a page of the team's projects that carry Fleet's mark, each followed by its domains; the first one after an empty cursor, the
// others after the page before's Next. A project of ours is named for its instance and holds the instance's id in its environment: one
// that only has such a name isn't listed. It only reads. Lists lag, and shift while they are read: what seems to be missing is to be
// looked up by itself.
func (c *Client) Owned(ctx context.Context, cursor string) (fleet.OwnedPage, error) {
	query := url.Values{"limit": {ownedPageSize}, "search": {fleet.ResourceName("")}}
	if cursor != "" {
		query.Set("from", cursor)
	}
	var read ownedAnswer
	err := c.do(ctx, request{operation: "GetProjects", method: http.MethodGet, path: "/v10/projects", query: query}, &read)
	if err != nil {
		return fleet.OwnedPage{}, err
	}
	page := fleet.OwnedPage{Next: string(read.Pagination.Next)}
	for _, p := range read.Projects {
		instance, named := fleet.ResourceOwner(p.Name)
		if !named {
			continue
		}
		mark := ""
		for _, v := range p.Environment {
			if v.Key == markVariable && v.Type == plain {
				mark = v.Value
			}
		}
		found, err := c.ownedProject(ctx, fleet.Owned{Kind: fleet.VercelProject, InstanceID: instance, Name: p.Name, ID: p.ID}, mark)
		if err != nil {
			return fleet.OwnedPage{}, err
		}
		page.Owned = append(page.Owned, found...)
	}
	return page, nil
}

// ownedProject gives a project with its domains if it is ours, by a mark that the list may have shown. One that has gone meanwhile is
// none.
func (c *Client) ownedProject(ctx context.Context, p fleet.Owned, mark string) ([]fleet.Owned, error) {
	if mark == "" {
		read, err := c.mark(ctx, p.ID)
		if err != nil {
			return nil, unlessGone(err)
		}
		mark = read
	}
	if mark != p.InstanceID {
		return nil, nil
	}
	domains, err := c.Domains(ctx, p.ID)
	if err != nil {
		return nil, unlessGone(err)
	}
	found := []fleet.Owned{p}
	for _, d := range domains {
		if !strings.HasSuffix(d.Name, ".vercel.app") { // which Vercel gives every project
			found = append(found, fleet.Owned{Kind: fleet.VercelDomain, InstanceID: p.InstanceID, Name: d.Name, ID: d.Name})
		}
	}
	return found, nil
}

func unlessGone(err error) error {
	if provider.NotFound(err) {
		return nil
	}
	return err
}
