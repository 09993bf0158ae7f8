package vercel

import (
	"crypto/sha1" //nolint:gosec // Vercel names uploaded files by SHA-1
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

func digest(content []byte) string {
	sum := sha1.Sum(content) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

func (s *Sim) uploadFile(r *http.Request, body []byte) answer {
	claimed := r.Header.Get("X-Vercel-Digest")
	if claimed == "" {
		claimed = r.Header.Get("X-Now-Digest")
	}
	if !strings.EqualFold(claimed, digest(body)) {
		return failure(http.StatusBadRequest, "invalid_digest", "The digest does not match the content.", nil)
	}
	s.state.Files[strings.ToLower(claimed)] = body
	return ok(object{})
}

type deploymentRequest struct {
	Name     string            `json:"name"`
	Project  string            `json:"project"`
	Target   string            `json:"target"`
	Meta     map[string]string `json:"meta"`
	Files    []fileRequest     `json:"files"`
	Settings *struct {
		Framework *string `json:"framework"`
	} `json:"projectSettings"`
}

type fileRequest struct {
	File     string  `json:"file"`
	Digest   string  `json:"sha"`
	Size     *int    `json:"size"`
	Data     *string `json:"data"`
	Encoding string  `json:"encoding"`
}

func (s *Sim) createDeployment(r *http.Request, body []byte) answer {
	var in deploymentRequest
	if refusal := decode(body, &in); refusal != nil {
		return *refusal
	}
	switch {
	case in.Name == "":
		return badRequest("name is required")
	case in.Target != "" && in.Target != "production" && in.Target != "staging":
		return badRequest("no such target")
	case len(in.Files) == 0:
		return badRequest("this simulator deploys files only")
	case in.Settings == nil && r.URL.Query().Get("skipAutoDetectionConfirmation") != "1":
		return failure(http.StatusBadRequest, "missing_project_settings", "The projectSettings object is required for new projects.", nil)
	}
	idOrName := in.Project
	if idOrName == "" {
		idOrName = in.Name
	}
	p, found := s.project(idOrName)
	if !found {
		return notFound("Project not found.")
	}
	files, refusal := s.files(in.Files)
	if refusal != nil {
		return *refusal
	}
	if r.URL.Query().Get("forceNew") != "1" {
		for _, d := range s.newest(p.ID) {
			if d.Target == in.Target && maps.Equal(d.Files, files) {
				return ok(s.deploymentDocument(d))
			}
		}
	}
	d := s.deploy(p, in, files)
	d.Visible = s.options.VisibleAt(r)
	return ok(s.deploymentDocument(d))
}

// deploy makes a deployment. The last tenth of its time is for leading the domains to it.
func (s *Sim) deploy(p *project, in deploymentRequest, files map[string]string) *deployment {
	now := s.now().Truncate(time.Millisecond)
	if !s.state.Last.Before(now) { // pages are cut at creation times, so no two are the same
		now = s.state.Last.Add(time.Millisecond)
	}
	s.state.Last = now
	takes := within(s.config.Deploy, s.draw("deploy", p.Name))
	d := &deployment{
		ID: s.id("dpl_", p.Name), Project: p.ID, Name: in.Name, Target: in.Target, Meta: in.Meta,
		Environment: p.environment(in.Target), Files: files, Created: now, ReadyAt: now.Add(takes * 9 / 10), LiveAt: now.Add(takes),
	}
	if d.Meta == nil {
		d.Meta = map[string]string{}
	}
	if s.config.Fate != nil {
		d.Fate = s.config.Fate(p.Name)
	}
	d.URL = p.Name + "-" + strings.ToLower(d.ID[4:13]) + "-fleet.vercel.app"
	s.state.Deployments[d.ID] = d
	p.Deployments = append(p.Deployments, d.ID)
	return d
}

// files checks a deployment's files, keeps inlined ones, and gives digests by path.
func (s *Sim) files(requested []fileRequest) (map[string]string, *answer) {
	refuse := func(a answer) (map[string]string, *answer) { return nil, &a }
	byPath := map[string]string{}
	var missing []string
	for _, f := range requested {
		if f.File == "" || strings.HasPrefix(f.File, "/") || path.Clean(f.File) != f.File || strings.HasPrefix(f.File, "..") {
			return refuse(badRequest("invalid file path"))
		}
		switch {
		case f.Data != nil:
			content, err := []byte(*f.Data), error(nil)
			if f.Encoding == "base64" {
				content, err = base64.StdEncoding.DecodeString(*f.Data)
			}
			if err != nil || f.Digest != "" || f.Size != nil {
				return refuse(badRequest("invalid inlined file"))
			}
			sum := digest(content)
			s.state.Files[sum], byPath[f.File] = content, sum
		case f.Digest == "":
			return refuse(badRequest("a file needs sha or data"))
		default:
			sum := strings.ToLower(f.Digest)
			content, known := s.state.Files[sum]
			if !known {
				missing = append(missing, sum)
			} else if f.Size != nil && *f.Size != len(content) {
				return refuse(badRequest("the size of a file does not match"))
			}
			byPath[f.File] = sum
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return refuse(failure(http.StatusBadRequest, "missing_files", "Missing files", object{"missing": slices.Compact(missing)}))
	}
	return byPath, nil
}

func (s *Sim) getDeployment(r *http.Request, _ []byte) answer {
	idOrURL := r.PathValue("deployment")
	d, found := s.state.Deployments[idOrURL]
	if !found {
		for _, other := range s.state.Deployments {
			if other.URL == idOrURL && !s.now().Before(other.Visible) {
				d, found = other, true
			}
		}
	}
	if !found {
		return failure(http.StatusNotFound, "not_found", "The deployment cannot be found.", nil)
	}
	return ok(s.deploymentDocument(d))
}

func (s *Sim) deploymentDocument(d *deployment) object {
	now := s.now()
	names := make([]string, 0, len(d.Environment))
	for name := range d.Environment {
		names = append(names, name)
	}
	slices.Sort(names)
	document := object{
		"id": d.ID, "name": d.Name, "url": d.URL, "projectId": d.Project, "type": "LAMBDAS", "version": 2, "meta": d.Meta,
		"readyState": d.readyState(now), "status": d.readyState(now), "createdAt": milliseconds(d.Created),
		"bootedAt": milliseconds(d.Created), "buildingAt": milliseconds(d.Created), "buildSkipped": false,
		"aliasAssigned": d.live(now), "alias": s.aliases(d, now), "env": names, "build": object{"env": []string{}},
		"inspectorUrl": nil, "isInConcurrentBuildsQueue": false, "isInSystemBuildsQueue": false,
		"projectSettings": object{"framework": nil}, "creator": creator, "public": false, "regions": []string{"iad1"},
		"plan": "pro", "createdIn": "iad1", "ownerId": s.config.Team, "routes": nil, "aliasError": d.aliasError(now),
	}
	if d.Target != "" {
		document["target"] = d.Target
	}
	if !now.Before(d.ReadyAt) {
		document["ready"] = milliseconds(d.ReadyAt)
	}
	return document
}

var creator = object{"uid": "fleet0000000000000000000", "username": "fleet"}

// aliases lists the names that lead to a deployment.
func (s *Sim) aliases(d *deployment, now time.Time) []string {
	names := []string{}
	if !d.live(now) {
		return names
	}
	if p, found := s.state.Projects[d.Project]; found {
		names = append(names, p.Name+".vercel.app")
	}
	if d.Target == "production" {
		for host, other := range s.state.Domains {
			if other.Project == d.Project {
				names = append(names, host)
			}
		}
	}
	slices.Sort(names)
	return names
}

func (d *deployment) aliasError(now time.Time) any {
	if d.Fate == AliasFails && !now.Before(d.LiveAt) {
		return object{"code": "alias_failed", "message": "The alias could not be assigned."}
	}
	return nil
}

func (s *Sim) deleteDeployment(r *http.Request, _ []byte) answer {
	id := r.PathValue("deployment")
	d, there := s.state.Deployments[id]
	if !there {
		return notFound("Deployment not found")
	}
	delete(s.state.Deployments, id)
	if p, there := s.state.Projects[d.Project]; there {
		p.Deployments = slices.DeleteFunc(p.Deployments, func(other string) bool { return other == id })
	}
	return ok(object{"uid": id, "state": "DELETED"})
}
