package vercel

import (
	"context"
	"net/http"
	"net/url"
)

type domainsAnswer struct {
	Domains    []domainAnswer `json:"domains"`
	Pagination *pagination    `json:"pagination"`
}

func (d *domainsAnswer) complete() bool {
	for _, one := range d.Domains {
		if !one.complete() {
			return false
		}
	}
	return d.Domains != nil
}

// mostDomainPages ends a list that never does: a project of ours has one domain.
const mostDomainPages = 20

// Domains lists a project's domains. For a project that isn't there, provider.NotFound(err) holds.
func (c *Client) Domains(ctx context.Context, project string) ([]Domain, error) {
	const operation = "GetProjectDomains"
	query := url.Values{"limit": {"100"}}
	var found []Domain
	for range mostDomainPages {
		var read domainsAnswer
		if err := c.do(ctx, request{operation: operation, method: http.MethodGet, path: "/v9" + domainsPath(project), query: query}, &read); err != nil {
			return nil, err
		}
		for _, d := range read.Domains {
			if d.ProjectID == project {
				found = append(found, d.domain())
			}
		}
		if read.Pagination == nil || read.Pagination.Next == "" {
			return found, nil
		}
		query.Set("until", string(read.Pagination.Next))
	}
	return nil, unusable(operation, http.StatusOK, "the list doesn't end")
}
