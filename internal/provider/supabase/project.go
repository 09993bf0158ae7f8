package supabase

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Operation names, as fault scripts and logs spell them.
const (
	opListProjects  = "ListProjects"
	opCreateProject = "CreateProject"
	opGetProject    = "GetProject"
	opDeleteProject = "DeleteProject"
)

// Project is a Supabase project.
type Project struct {
	Ref    string // 20 lower-case letters
	Name   string
	Region string // such as us-east-1
	Status string // such as ACTIVE_HEALTHY
}

// Removed is the status of a project that is gone, where one is still told of.
const Removed = "REMOVED"

// Ready reports whether the project has come up. Its services may still need a moment: see Health.
func (p Project) Ready() bool { return p.Status == "ACTIVE_HEALTHY" }

// Failed reports whether waiting longer is useless, by the split that Supabase's own Terraform provider makes. All
// other states, unknown ones included, are worth waiting for.
func (p Project) Failed() bool {
	switch p.Status {
	case "GOING_DOWN", "INIT_FAILED", Removed, "INACTIVE", "PAUSE_FAILED", "RESTORE_FAILED":
		return true
	}
	return false
}

// projectAnswer is a project as creation and look-up by reference give it.
type projectAnswer struct {
	Ref    string `json:"ref"`
	Name   string `json:"name"`
	Region string `json:"region"`
	Status string `json:"status"`
}

func (a *projectAnswer) complete() bool {
	return validRef(a.Ref) && a.Name != "" && a.Status != ""
}

func (a *projectAnswer) project() Project {
	return Project{Ref: a.Ref, Name: a.Name, Region: a.Region, Status: a.Status}
}

type projectPage struct {
	Projects []struct {
		Ref      string `json:"ref"`
		Name     string `json:"name"`
		Region   string `json:"region"`
		Status   string `json:"status"`
		IsBranch bool   `json:"is_branch"`
	} `json:"projects"`
	Pagination *struct {
		Count *int `json:"count"`
	} `json:"pagination"`
}

func (p *projectPage) complete() bool {
	if p.Projects == nil || p.Pagination == nil || p.Pagination.Count == nil || *p.Pagination.Count < 0 {
		return false
	}
	for _, project := range p.Projects {
		// A branch's reference is never used and so not judged.
		if project.Name == "" || project.Status == "" || !project.IsBranch && !validRef(project.Ref) {
			return false
		}
	}
	return true
}

// pageSize is the vendor's largest page, maxPages what is enough for any organisation.
const (
	pageSize = 100
	maxPages = 100
)

// FindProjects lists the organisation's projects of exactly this name, whatever their state, those that are half
// created or going down included; what is REMOVED is no longer there. Branches are skipped. Lists may lag behind.
func (c *Client) FindProjects(ctx context.Context, name string) ([]Project, error) {
	var found []Project
	seen := 0
	for range maxPages {
		page, err := c.projectPage(ctx, name, seen)
		if err != nil {
			return nil, err
		}
		for _, p := range page.Projects {
			known := slices.ContainsFunc(found, func(f Project) bool { return f.Ref == p.Ref })
			if p.Name == name && !p.IsBranch && p.Status != Removed && !known {
				found = append(found, Project{Ref: p.Ref, Name: p.Name, Region: p.Region, Status: p.Status})
			}
		}
		seen += len(page.Projects)
		if seen >= *page.Pagination.Count {
			return found, nil
		}
		if len(page.Projects) == 0 {
			return nil, unusable(opListProjects, http.StatusOK, "the list ends before its count", nil)
		}
	}
	return nil, unusable(opListProjects, http.StatusOK, "the list doesn't end", nil)
}

func (c *Client) projectPage(ctx context.Context, name string, offset int) (*projectPage, error) {
	page := &projectPage{}
	// No "statuses": that filter knows only healthy and inactive projects and would hide half-created ones.
	query := url.Values{
		"search": {name},
		"limit":  {strconv.Itoa(pageSize)},
		"offset": {strconv.Itoa(offset)},
		// Oldest first, so that a project created meanwhile shifts nothing.
		"sort": {"created_asc"},
	}
	err := c.manage(ctx, request{
		operation: opListProjects, method: http.MethodGet, path: withQuery(c.organizationPath("/projects"), query), out: page,
	})
	return page, err
}

// NewProject is what a project is made of.
type NewProject struct {
	Name   string // at most 256 characters, no "."
	Region string // a specific region, such as us-east-1
	// DatabasePassword belongs to the database's owner. Supabase never gives it back: keep it before calling.
	DatabasePassword provider.Secret
}

type createProject struct {
	Name            string          `json:"name"`
	DatabasePass    string          `json:"db_pass"`
	Organization    string          `json:"organization_slug"`
	RegionSelection regionSelection `json:"region_selection"`
}

type regionSelection struct {
	Type string `json:"type"`
	Code string `json:"code"`
}

// CreateProject begins a project; it comes up minutes later. Needs an open attempt. Names need not be unique at
// Supabase: whoever repeats this makes a second one. QuotaExceeded when the organisation's allowance is used up.
func (c *Client) CreateProject(ctx context.Context, p NewProject) (Project, error) {
	answer := &projectAnswer{}
	err := c.manage(ctx, request{
		operation: opCreateProject, method: http.MethodPost, path: "/v1/projects", out: answer,
		in: createProject{
			Name:            p.Name,
			DatabasePass:    p.DatabasePassword.Reveal(),
			Organization:    c.config.Settings.SupabaseOrganization,
			RegionSelection: regionSelection{Type: "specific", Code: p.Region},
		},
	})
	if err != nil {
		return Project{}, err
	}
	if answer.Name != p.Name {
		return Project{}, unusable(opCreateProject, http.StatusCreated, "the answer is about another project", nil)
	}
	return answer.project(), nil
}

// Project reads one project. provider.NotFound tells when there is none.
func (c *Client) Project(ctx context.Context, ref string) (Project, error) {
	answer := &projectAnswer{}
	err := c.onProject(ctx, ref, "", request{operation: opGetProject, method: http.MethodGet, out: answer})
	if err != nil {
		return Project{}, err
	}
	if answer.Ref != ref {
		return Project{}, unusable(opGetProject, http.StatusOK, "the answer is about another project", nil)
	}
	return answer.project(), nil
}

type deletedProject struct {
	Ref string `json:"ref"`
}

func (d *deletedProject) complete() bool { return validRef(d.Ref) }

// DeleteProject begins a project's removal, backups included; it can't be undone and takes a while, during which the
// project is GOING_DOWN. Needs an open attempt. A project that is gone already is no error. A project that is still
// coming up can't be deleted: NotReady, with nothing done.
func (c *Client) DeleteProject(ctx context.Context, ref string) error {
	answer := &deletedProject{}
	err := c.onProject(ctx, ref, "", request{operation: opDeleteProject, method: http.MethodDelete, out: answer})
	switch {
	case provider.NotFound(err):
		return nil
	case err != nil:
		return err
	case answer.Ref != ref:
		return unusable(opDeleteProject, http.StatusOK, "the answer is about another project", nil)
	}
	return nil
}

// notReady is a read whose answer says "not yet".
func notReady(operation, text string) error {
	return &fault.Error{Code: fault.NotReady, Vendor: Name, Operation: operation, Text: text, NothingHappened: true}
}
