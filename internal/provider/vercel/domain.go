package vercel

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/project-gimbal/fleet/internal/provider"
)

// Domain is a host name that a project serves.
type Domain struct {
	Name      string
	ProjectID string
	// Verified: Vercel knows that the name is ours to use. It says nothing about DNS.
	Verified bool
}

// Config is what Vercel thinks of a host name's DNS.
type Config struct {
	// Misconfigured: the name does not lead to Vercel, or Vercel cannot have a certificate issued for it.
	Misconfigured bool
	// CNAME is what the name should be an alias of: the recommendation of rank 1, without a final dot.
	CNAME string
}

type domainAnswer struct {
	Name      string `json:"name"`
	ProjectID string `json:"projectId"`
	Verified  *bool  `json:"verified"`
}

func (d *domainAnswer) complete() bool { return d.Name != "" && d.ProjectID != "" && d.Verified != nil }

func (d *domainAnswer) domain() Domain {
	return Domain{Name: strings.ToLower(d.Name), ProjectID: d.ProjectID, Verified: *d.Verified}
}

func domainsPath(project string) string { return "/projects/" + url.PathEscape(project) + "/domains" }

// FindDomain gives the project's domain of this name, or none. A domain of another project is not found.
func (c *Client) FindDomain(ctx context.Context, project, host string) ([]Domain, error) {
	var found domainAnswer
	err := c.do(ctx, request{
		operation: "GetProjectDomain", method: http.MethodGet, path: "/v9" + domainsPath(project) + "/" + url.PathEscape(host),
	}, &found)
	if provider.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(found.Name, host) {
		return nil, nil
	}
	return []Domain{found.domain()}, nil
}

// AddDomain makes the project serve host. A host that this or any other project has already is a Conflict.
func (c *Client) AddDomain(ctx context.Context, project, host string) (Domain, error) {
	var made domainAnswer
	err := c.do(ctx, request{
		operation: "AddProjectDomain", method: http.MethodPost, path: "/v10" + domainsPath(project),
		body: struct {
			Name string `json:"name"`
		}{host},
	}, &made)
	if err != nil {
		return Domain{}, err
	}
	return made.domain(), nil
}

// RemoveDomain makes the project stop serving host. One that it doesn't serve is no error.
func (c *Client) RemoveDomain(ctx context.Context, project, host string) error {
	err := c.do(ctx, request{
		operation: "RemoveProjectDomain", method: http.MethodDelete, path: "/v9" + domainsPath(project) + "/" + url.PathEscape(host),
	}, nil)
	if provider.NotFound(err) {
		return nil
	}
	return err
}

type configAnswer struct {
	Misconfigured *bool `json:"misconfigured"`
	Recommended   []struct {
		Rank  float64 `json:"rank"`
		Value string  `json:"value"`
	} `json:"recommendedCNAME"`
}

func (a *configAnswer) complete() bool { return a.Misconfigured != nil && a.cname() != "" }

func (a *configAnswer) cname() string {
	for _, r := range a.Recommended {
		if r.Rank == 1 {
			return strings.TrimSuffix(strings.ToLower(r.Value), ".")
		}
	}
	return ""
}

// DomainConfig asks what Vercel thinks of host's DNS.
func (c *Client) DomainConfig(ctx context.Context, project, host string) (Config, error) {
	var answer configAnswer
	err := c.do(ctx, request{
		operation: "GetDomainConfig", method: http.MethodGet, path: "/v6/domains/" + url.PathEscape(host) + "/config",
		query: url.Values{"projectIdOrName": {project}},
	}, &answer)
	if err != nil {
		return Config{}, err
	}
	return Config{Misconfigured: *answer.Misconfigured, CNAME: answer.cname()}, nil
}
