package vercel

import (
	"context"
	"net/http"
	"net/url"
)

// Pause makes Vercel answer in the stead of a project's production deployment, whatever host it is asked by: with a page of its own
// and 503 DEPLOYMENT_PAUSED. The project's domains and certificates stay. It may be repeated. A project that isn't there is Rejected
// (400).
func (c *Client) Pause(ctx context.Context, projectID string) error {
	return c.setPaused(ctx, "PauseProject", projectID, "pause")
}

// Unpause has a project's production deployment answer again. It may be repeated. A project that isn't there is Rejected (400).
func (c *Client) Unpause(ctx context.Context, projectID string) error {
	return c.setPaused(ctx, "UnpauseProject", projectID, "unpause")
}

func (c *Client) setPaused(ctx context.Context, operation, projectID, word string) error {
	return c.do(ctx, request{operation: operation, method: http.MethodPost, path: "/v1/projects/" + url.PathEscape(projectID) + "/" + word}, nil)
}

// Paused reports whether a project is paused. For one that isn't there, provider.NotFound(err) holds.
func (c *Client) Paused(ctx context.Context, projectID string) (bool, error) {
	read, err := c.byID(ctx, projectID)
	return read.Paused, err
}
