package vercel

import (
	"context"
	"net/http"
	"net/url"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// markVariable is the environment variable that says whose a project is.
const markVariable = "FLEET_INSTANCE_ID"

// Project is a Vercel project.
type Project struct {
	ID   string // prj_…
	Name string
	// Mark is the value of its plain environment variable FLEET_INSTANCE_ID, empty without one.
	Mark string
}

// NewProject is what CreateProject needs.
type NewProject struct {
	Name string // at most 100 lower-case letters, digits, ".", "_", "-"; unique in the team
	Mark string // becomes FLEET_INSTANCE_ID
}

type projectAnswer struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Paused bool   `json:"paused"`
}

func (p *projectAnswer) complete() bool { return p.ID != "" && p.Name != "" }

// FindProject gives the team's project of exactly this name, with its mark, or none.
func (c *Client) FindProject(ctx context.Context, name string) ([]Project, error) {
	var found projectAnswer
	err := c.do(ctx, request{operation: "GetProject", method: http.MethodGet, path: "/v9/projects/" + url.PathEscape(name)}, &found)
	if provider.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if found.Name != name { // the path takes ids as well
		return nil, nil
	}
	mark, err := c.mark(ctx, found.ID)
	if provider.NotFound(err) { // deleted since
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []Project{{ID: found.ID, Name: found.Name, Mark: mark}}, nil
}

// Project gives the project of an id, with its mark. Where there is none, provider.NotFound(err) holds.
func (c *Client) Project(ctx context.Context, id string) (Project, error) {
	read, err := c.byID(ctx, id)
	if err != nil {
		return Project{}, err
	}
	mark, err := c.mark(ctx, id)
	if err != nil {
		return Project{}, err
	}
	return Project{ID: read.ID, Name: read.Name, Mark: mark}, nil
}

func (c *Client) byID(ctx context.Context, id string) (read projectAnswer, err error) {
	const operation = "GetProject"
	err = c.do(ctx, request{operation: operation, method: http.MethodGet, path: "/v9/projects/" + url.PathEscape(id)}, &read)
	if err == nil && read.ID != id { // the path takes names as well
		err = &fault.Error{Code: fault.Rejected, Vendor: vendor, Operation: operation, Status: http.StatusOK, Text: "the project has another id"}
	}
	return read, err
}

// CreateProject makes a project without framework and Git repository, with its mark as an environment variable. A name
// that is taken is a Conflict.
func (c *Client) CreateProject(ctx context.Context, p NewProject) (Project, error) {
	var made projectAnswer
	err := c.do(ctx, request{
		operation: "CreateProject", method: http.MethodPost, path: "/v11/projects",
		body: struct {
			Name        string             `json:"name"`
			Framework   *string            `json:"framework"`
			Environment []variableDocument `json:"environmentVariables"`
		}{p.Name, nil, []variableDocument{variable(markVariable, p.Mark, plain)}},
	}, &made)
	if err != nil {
		return Project{}, err
	}
	return Project{ID: made.ID, Name: made.Name, Mark: p.Mark}, nil
}

// DeleteProject removes a project with its deployments, domains and environment variables. One that is gone is no
// error.
func (c *Client) DeleteProject(ctx context.Context, id string) error {
	err := c.do(ctx, request{operation: "DeleteProject", method: http.MethodDelete, path: "/v9/projects/" + url.PathEscape(id)}, nil)
	if provider.NotFound(err) {
		return nil
	}
	return err
}
