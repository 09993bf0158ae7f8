package vercel

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

type projectRequest struct {
	Name        string            `json:"name"`
	Framework   *string           `json:"framework"`
	Environment []variableRequest `json:"environmentVariables"`
}

type variableRequest struct {
	Key    string  `json:"key"`
	Value  *string `json:"value"`
	Type   string  `json:"type"`
	Target targets `json:"target"`
}

// targets are given as an array or, when a project is created, as one string.
type targets []string

func (t *targets) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*t = targets{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(t))
}

var projectName = regexp.MustCompile(`^[a-z0-9._-]{1,100}$`)

func (s *Sim) createProject(r *http.Request, body []byte) answer {
	var in projectRequest
	if refusal := decode(body, &in); refusal != nil {
		return *refusal
	}
	if !projectName.MatchString(in.Name) || strings.Contains(in.Name, "---") {
		return badRequest("Project names can be up to 100 characters long and must be lowercase.")
	}
	// A project that look-ups don't show yet has its name all the same.
	if _, taken := s.named(in.Name); taken {
		return failure(http.StatusConflict, "conflict", "Project already exists.", nil)
	}
	for _, v := range in.Environment {
		if refusal := v.refuse(); refusal != nil {
			return failure(http.StatusBadRequest, refusal.Code, refusal.Message, nil)
		}
	}
	now := s.now()
	p := &project{
		ID: s.id("prj_", in.Name), Name: in.Name, Created: now, Visible: s.options.VisibleAt(r),
		Environment: map[string]*variable{},
	}
	for _, v := range in.Environment {
		s.put(p, v)
	}
	s.state.Projects[p.ID], s.state.Names[p.Name] = p, p.ID
	return ok(s.projectDocument(p))
}

func (s *Sim) getProject(r *http.Request, _ []byte) answer {
	p, found := s.project(r.PathValue("project"))
	if !found {
		return notFound("Project not found.")
	}
	return ok(s.projectDocument(p))
}

func (s *Sim) deleteProject(r *http.Request, _ []byte) answer {
	p, found := s.project(r.PathValue("project"))
	if !found {
		return notFound("Project not found.")
	}
	delete(s.state.Projects, p.ID)
	delete(s.state.Names, p.Name)
	for _, id := range p.Deployments {
		delete(s.state.Deployments, id)
	}
	for host, d := range s.state.Domains {
		if d.Project == p.ID {
			delete(s.state.Domains, host)
		}
	}
	return answer{status: http.StatusNoContent}
}

func (s *Sim) pauseProject(r *http.Request, _ []byte) answer { return s.setPaused(r, true) }

func (s *Sim) unpauseProject(r *http.Request, _ []byte) answer { return s.setPaused(r, false) }

// setPaused takes a project's id only, unlike other calls, and refuses one that isn't there with 400.
func (s *Sim) setPaused(r *http.Request, paused bool) answer {
	p, found := s.state.Projects[r.PathValue("project")]
	if !found {
		return badRequest("The project does not exist.")
	}
	p.Paused = paused
	return answer{status: http.StatusOK}
}

func (s *Sim) projectDocument(p *project) object {
	regions := object{"functionDefaultRegions": []string{"iad1"}}
	document := object{
		"accountId": s.config.Team, "id": p.ID, "name": p.Name, "createdAt": milliseconds(p.Created),
		"updatedAt": milliseconds(p.Created), "directoryListing": false, "framework": nil, "nodeVersion": "22.x",
		"resourceConfig": regions, "defaultResourceConfig": regions, "live": false, "autoAssignCustomDomains": !p.Paused,
		"env": s.environmentDocument(p),
	}
	if p.Paused {
		document["paused"] = true
	}
	return document
}

type variableError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Key     string `json:"key,omitempty"`
}

var variableKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// refuse says what is wrong with a variable, if anything.
func (v variableRequest) refuse() *variableError {
	wrong := func(code, message string) *variableError { return &variableError{code, message, v.Key} }
	switch {
	case v.Key == "" || v.Value == nil || len(v.Target) == 0:
		return wrong("bad_request", "key, value and target are required")
	case !variableKey.MatchString(v.Key):
		return wrong("INVALID_KEY", "The name contains invalid characters.")
	case strings.HasPrefix(v.Key, "VERCEL_"):
		return wrong("RESERVED_ENV_VARIABLE", "The name is reserved.")
	case !slices.Contains([]string{"system", "secret", "encrypted", "plain", "sensitive", ""}, v.Type):
		return wrong("bad_request", "no such type")
	case v.Type == "sensitive" && slices.Contains(v.Target, "development"):
		return wrong("bad_request", "Sensitive variables cannot target development.")
	}
	for _, t := range v.Target {
		if !slices.Contains([]string{"production", "preview", "development"}, t) {
			return wrong("bad_request", "no such target")
		}
	}
	return nil
}

// put sets a variable of a project. One key has one value here, whatever its targets. The mutex is held.
func (s *Sim) put(p *project, v variableRequest) *variable {
	now, kind := s.now(), v.Type
	if kind == "" {
		kind = "encrypted"
	}
	old, exists := p.Environment[v.Key]
	made := &variable{Key: v.Key, Value: *v.Value, Type: kind, Target: v.Target, Created: now, Updated: now}
	if exists {
		made.ID, made.Created = old.ID, old.Created
	} else {
		made.ID = s.id("", p.ID+" "+v.Key)
	}
	p.Environment[v.Key] = made
	return made
}

func (s *Sim) createEnvironment(r *http.Request, body []byte) answer {
	p, found := s.project(r.PathValue("project"))
	if !found {
		return notFound("Project not found.")
	}
	var many []variableRequest
	single := len(body) > 0 && body[0] == '{'
	if single {
		many = make([]variableRequest, 1)
		if refusal := decode(body, &many[0]); refusal != nil {
			return *refusal
		}
	} else if refusal := decode(body, &many); refusal != nil {
		return *refusal
	}
	upsert := r.URL.Query().Get("upsert") == "true"
	created, failed := []object{}, []object{}
	for _, v := range many {
		wrong := v.refuse()
		if wrong == nil && v.Type == "" {
			wrong = &variableError{"bad_request", "type is required", v.Key}
		}
		if _, exists := p.Environment[v.Key]; wrong == nil && exists && !upsert {
			wrong = &variableError{"ENV_CONFLICT", "A variable with this name exists already for the target.", v.Key}
		}
		if wrong != nil {
			failed = append(failed, object{"error": wrong})
			continue
		}
		created = append(created, s.put(p, v).document())
	}
	if single && len(created) == 1 {
		return answer{status: http.StatusCreated, body: object{"created": created[0], "failed": failed}}
	}
	return answer{status: http.StatusCreated, body: object{"created": created, "failed": failed}}
}

func (s *Sim) listEnvironment(r *http.Request, _ []byte) answer {
	p, found := s.project(r.PathValue("project"))
	if !found {
		return notFound("Project not found.")
	}
	return ok(object{"envs": s.environmentDocument(p)})
}

func (s *Sim) environmentDocument(p *project) []object {
	list := make([]*variable, 0, len(p.Environment))
	for _, v := range p.Environment {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b *variable) int { return strings.Compare(a.Key, b.Key) })
	documents := make([]object, len(list))
	for i, v := range list {
		documents[i] = v.document()
	}
	return documents
}

// document is a variable as it is shown: only plain values can be read.
func (v *variable) document() object {
	value := ""
	if v.Type == "plain" {
		value = v.Value
	}
	return object{
		"id": v.ID, "key": v.Key, "value": value, "type": v.Type, "target": v.Target,
		"createdAt": milliseconds(v.Created), "updatedAt": milliseconds(v.Updated),
	}
}

// environment gives what a deployment made now for target sees; an empty target is preview. The mutex is held.
func (p *project) environment(target string) map[string]string {
	if target == "" {
		target = "preview"
	}
	values := map[string]string{}
	for key, v := range p.Environment {
		if slices.Contains(v.Target, target) {
			values[key] = v.Value
		}
	}
	return values
}
