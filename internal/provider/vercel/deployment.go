package vercel

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // Vercel names uploaded files by SHA-1
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/project-gimbal/fleet/internal/provider"
)

// File is a file of a deployment: one that was uploaded, named by digest, or one whose content travels along.
type File struct {
	Path   string // relative, with slashes
	Digest string // as UploadFile gave it; unused if Inline is set
	Size   int    // bytes of the uploaded file
	// Inline is the content itself, unless nil.
	Inline []byte
}

// NewDeployment is what CreateDeployment needs.
type NewDeployment struct {
	Project string // id
	Name    string // the project's name
	Files   []File
	// Meta are labels by which FindDeployments finds it.
	Meta map[string]string
}

// Deployment is a deployment of a project.
type Deployment struct {
	ID  string // dpl_…
	URL string // its own host name, without scheme
	// ReadyState is QUEUED, INITIALIZING, BUILDING, READY, ERROR, CANCELED or BLOCKED.
	ReadyState string
	// AliasAssigned: the project's domains lead to it. A READY deployment is live only then.
	AliasAssigned bool
	// AliasError is Vercel's code for why they don't, empty without one; "unknown" where it has no code.
	AliasError string
	Meta       map[string]string
}

// Digest names content as Vercel does: SHA-1 in hexadecimal.
func Digest(content []byte) string {
	sum := sha1.Sum(content) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// UploadFile stores content for the team's later deployments and gives its digest. Repeating it does no harm.
func (c *Client) UploadFile(ctx context.Context, content []byte) (digest string, err error) {
	digest = Digest(content)
	raw := content
	if raw == nil {
		raw = []byte{}
	}
	err = c.do(ctx, request{
		operation: "UploadFile", method: http.MethodPost, path: "/v2/files", raw: raw,
		header: http.Header{"Content-Type": {"application/octet-stream"}, "X-Vercel-Digest": {digest}},
	}, nil)
	if err != nil {
		return "", err
	}
	return digest, nil
}

type fileDocument struct {
	File     string  `json:"file"`
	Digest   string  `json:"sha,omitempty"`
	Size     *int    `json:"size,omitempty"`
	Data     *[]byte `json:"data,omitempty"` // encoding/json writes base64
	Encoding string  `json:"encoding,omitempty"`
}

func fileDocuments(files []File) []fileDocument {
	documents := make([]fileDocument, len(files))
	for i, f := range files {
		if f.Inline != nil {
			documents[i] = fileDocument{File: f.Path, Data: &f.Inline, Encoding: "base64"}
		} else {
			documents[i] = fileDocument{File: f.Path, Digest: f.Digest, Size: &f.Size}
		}
	}
	return documents
}

type deploymentAnswer struct {
	ID            string            `json:"id"`
	UID           string            `json:"uid"` // lists say uid
	URL           string            `json:"url"`
	ReadyState    string            `json:"readyState"`
	State         string            `json:"state"` // lists have both
	ProjectID     string            `json:"projectId"`
	AliasAssigned assigned          `json:"aliasAssigned"`
	AliasError    *aliasError       `json:"aliasError"`
	Meta          map[string]string `json:"meta"`
}

type aliasError struct {
	Code string `json:"code"`
}

// assigned is true, or the time of assignment in lists.
type assigned bool

func (a *assigned) UnmarshalJSON(text []byte) error {
	var when float64
	if text = bytes.TrimSpace(text); json.Unmarshal(text, &when) == nil {
		*a = assigned(when > 0) // null leaves 0
		return nil
	}
	return json.Unmarshal(text, (*bool)(a))
}

func (d *deploymentAnswer) id() string {
	if d.ID != "" {
		return d.ID
	}
	return d.UID
}

func (d *deploymentAnswer) readyState() string {
	if d.ReadyState != "" {
		return d.ReadyState
	}
	return d.State
}

func (d *deploymentAnswer) complete() bool { return d.id() != "" && d.readyState() != "" }

func (d *deploymentAnswer) deployment() Deployment {
	out := Deployment{ID: d.id(), URL: d.URL, ReadyState: d.readyState(), AliasAssigned: bool(d.AliasAssigned), Meta: d.Meta}
	if d.AliasError != nil {
		if out.AliasError = provider.Code(d.AliasError.Code); out.AliasError == "" {
			out.AliasError = "unknown"
		}
	}
	return out
}

// CreateDeployment deploys files to a project's production. It is not idempotent: an identical deployment is made
// again. Where files were not uploaded, the fault is Rejected and its cause *MissingFiles.
func (c *Client) CreateDeployment(ctx context.Context, d NewDeployment) (Deployment, error) {
	type settings struct {
		Framework *string `json:"framework"`
	}
	var made deploymentAnswer
	err := c.do(ctx, request{
		operation: "CreateDeployment", method: http.MethodPost, path: "/v13/deployments",
		query: url.Values{"forceNew": {"1"}, "skipAutoDetectionConfirmation": {"1"}},
		body: struct {
			Name     string            `json:"name"`
			Project  string            `json:"project"`
			Target   string            `json:"target"`
			Files    []fileDocument    `json:"files"`
			Meta     map[string]string `json:"meta,omitempty"`
			Settings settings          `json:"projectSettings"`
		}{d.Name, d.Project, "production", fileDocuments(d.Files), d.Meta, settings{}},
	}, &made)
	if err != nil {
		return Deployment{}, err
	}
	return made.deployment(), nil
}

// Deployment reads one deployment. One that is gone is a fault of which provider.NotFound is true.
func (c *Client) Deployment(ctx context.Context, id string) (Deployment, error) {
	var found deploymentAnswer
	err := c.do(ctx, request{operation: "GetDeployment", method: http.MethodGet, path: "/v13/deployments/" + url.PathEscape(id)}, &found)
	if err != nil {
		return Deployment{}, err
	}
	return found.deployment(), nil
}

const (
	deploymentsPerPage = 100
	mostPages          = 100 // a vendor whose pages never end is broken
)

type deploymentsAnswer struct {
	Deployments []deploymentAnswer `json:"deployments"`
	Pagination  *struct {
		Next *int64 `json:"next"` // milliseconds since 1970; null on the last page
	} `json:"pagination"`
}

func (a *deploymentsAnswer) complete() bool {
	if a.Deployments == nil || a.Pagination == nil {
		return false
	}
	for _, d := range a.Deployments {
		if !d.complete() {
			return false
		}
	}
	return true
}

// FindDeployments lists the deployments of a project (by id) whose meta has key with exactly this value, the newest
// first. The filter meta-<key> is not in Vercel's OpenAPI document but is what its command line uses; in case it is
// ignored one day, answers are compared here.
func (c *Client) FindDeployments(ctx context.Context, project, metaKey, metaValue string) ([]Deployment, error) {
	const operation = "GetDeployments"
	query := url.Values{"projectId": {project}, "limit": {strconv.Itoa(deploymentsPerPage)}, "meta-" + metaKey: {metaValue}}
	var found []Deployment
	for range mostPages {
		var page deploymentsAnswer
		err := c.do(ctx, request{operation: operation, method: http.MethodGet, path: "/v7/deployments", query: query}, &page)
		if provider.NotFound(err) { // the project is gone, and its deployments with it
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, d := range page.Deployments {
			if value, ok := d.Meta[metaKey]; ok && value == metaValue && d.ProjectID == project && d.readyState() != "DELETED" {
				found = append(found, d.deployment())
			}
		}
		if page.Pagination.Next == nil {
			return found, nil
		}
		query.Set("until", strconv.FormatInt(*page.Pagination.Next, 10))
	}
	return nil, unusable(operation, http.StatusOK, "the pages do not end")
}

// DeleteDeployment removes a deployment. One that is gone already is no failure.
func (c *Client) DeleteDeployment(ctx context.Context, id string) error {
	err := c.do(ctx, request{operation: "DeleteDeployment", method: http.MethodDelete, path: "/v13/deployments/" + url.PathEscape(id)}, nil)
	if provider.NotFound(err) {
		return nil
	}
	return err
}
