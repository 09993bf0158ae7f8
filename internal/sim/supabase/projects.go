package supabase

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// described are the properties that every answer about a single project has.
func (s *Sim) described(p *project, now time.Time) map[string]any {
	return map[string]any{
		"id": p.Ref, "ref": p.Ref,
		"organization_id": s.settings.Organization, "organization_slug": s.settings.Organization,
		"name": p.Name, "region": p.Region, "created_at": stamp(p.Created), "status": p.status(now),
	}
}

func (s *Sim) createProject(r *http.Request) answer {
	in, refusal, refused := decodeNewProject(r, s.settings.Organization)
	if refused {
		return refusal
	}
	created, p, refused := s.begin(r, in)
	if refused {
		return created
	}
	// The database is made without the lock; until it is there, the project is coming up.
	err := s.settings.Databases.Create(context.WithoutCancel(r.Context()), p.Ref, in.Password)
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Built = true
	if err != nil {
		p.Forced = "INIT_FAILED"
	}
	return created
}

// begin enters a new project, unless the organisation may have no more.
func (s *Sim) begin(r *http.Request, in newProject) (a answer, p *project, refused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Clock.Now()
	live := 0
	for ref, other := range s.state.Projects {
		if !other.gone(now) {
			live++
		} else if !other.listed(now) {
			delete(s.state.Projects, ref)
		}
	}
	if s.settings.Allowance > 0 && live >= s.settings.Allowance {
		return failed(http.StatusBadRequest, fmt.Sprintf("The following organization members have reached their "+
			"maximum limits for the number of active free projects within organizations where they are an administrator "+
			"or owner: operator (%d project limit).", s.settings.Allowance)), nil, true
	}
	s.state.Made[in.Name]++
	random := s.random("project", in.Name, strconv.Itoa(s.state.Made[in.Name]))
	ref := letters(random, 20, lower)
	for s.state.Projects[ref] != nil {
		ref = letters(random, 20, lower)
	}
	p = s.come(random, ref, in, now)
	p.Visible = s.options.VisibleAt(r)
	s.state.Projects[ref] = p
	return answer{status: http.StatusCreated, body: s.described(p, now)}, p, false
}

// come decides, by seed, how a project comes up.
func (s *Sim) come(random *rand.Rand, ref string, in newProject, now time.Time) *project {
	up := between(random, s.settings.ReadyMin, s.settings.ReadyMax)
	p := &project{
		Ref: ref, Number: 100_000 + random.IntN(900_000), Name: in.Name, Region: in.Region,
		Created: now, Known: now.Add(min(2*time.Second, up/2)), Ready: now.Add(up),
		Services: map[string]time.Time{},
		Keys:     newKeys(random, ref, now),
		Pooler:   fmt.Sprintf("aws-%d-%s.pooler.supabase.com", random.IntN(2), in.Region),
		Auth:     map[string]any{},
	}
	for _, service := range services() {
		p.Services[service] = p.Ready.Add(between(random, 0, s.settings.Healthy))
	}
	return p
}

func (s *Sim) getProject(_ *http.Request, p *project, now time.Time) answer {
	body := s.described(p, now)
	body["database"] = map[string]any{
		"host": "db." + p.Ref + ".supabase.co", "version": "17.4.1.054", "postgres_engine": "17", "release_channel": "ga",
	}
	return ok(body)
}

func (s *Sim) deleteProject(r *http.Request) answer {
	ref := r.PathValue("ref")
	gone, refused := s.goDown(ref)
	if refused {
		return gone
	}
	err := s.settings.Databases.Drop(context.WithoutCancel(r.Context()), ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.state.Projects[ref]
	if p == nil {
		return gone
	}
	p.Deleting = false
	if err != nil {
		return failed(http.StatusInternalServerError, "Failed to remove project")
	}
	if p.Deleted.IsZero() {
		p.Deleted = s.options.Clock.Now()
		p.Gone = p.Deleted.Add(between(s.random("going", ref), s.settings.Going/2, s.settings.Going))
		p.Hidden = latest(p.Gone, s.options.VisibleAt(r))
	}
	return gone
}

// goDown begins a deletion; refused tells that there is nothing to do.
func (s *Sim) goDown(ref string) (a answer, refused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(ref)
	if p == nil {
		return noProject(), true
	}
	a = ok(map[string]any{"id": p.Number, "ref": p.Ref, "name": p.Name})
	switch p.status(s.options.Clock.Now()) {
	case "UNKNOWN", "COMING_UP":
		return failed(http.StatusBadRequest, "Project not ready for deletion."), true
	case "GOING_DOWN":
		return a, true
	}
	if p.Deleting {
		return a, true
	}
	p.Deleting = true
	return a, false
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (s *Sim) getOrganization(r *http.Request) answer {
	if r.PathValue("slug") != s.settings.Organization {
		return noOrganization()
	}
	return ok(map[string]any{
		"id": s.settings.Organization, "name": "Gimbal", "plan": s.settings.Plan,
		"opt_in_tags": []string{}, "allowed_release_channels": []string{"ga"},
	})
}

func noOrganization() answer { return failed(http.StatusNotFound, "Organization not found") }

func (s *Sim) listProjects(r *http.Request) answer {
	if r.PathValue("slug") != s.settings.Organization {
		return noOrganization()
	}
	query, complaint := readListing(r.URL.Query())
	if complaint != "" {
		return invalid(complaint)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Clock.Now()
	var matching []*project
	for _, p := range s.state.Projects {
		if p.listed(now) && query.matches(p, now) {
			matching = append(matching, p)
		}
	}
	slices.SortFunc(matching, query.order)
	page := []map[string]any{}
	for i := query.offset; i < len(matching) && i < query.offset+query.limit; i++ {
		page = append(page, matching[i].row(now))
	}
	return ok(map[string]any{
		"projects":   page,
		"pagination": map[string]any{"count": len(matching), "limit": query.limit, "offset": query.offset},
	})
}

// row is a project as lists show it.
func (p *project) row(now time.Time) map[string]any {
	status := p.status(now)
	return map[string]any{
		"ref": p.Ref, "name": p.Name, "cloud_provider": "AWS", "region": p.Region, "is_branch": false,
		"status": status, "inserted_at": stamp(p.Created),
		"databases": []map[string]any{{
			"identifier": p.Ref, "type": "PRIMARY", "region": p.Region, "cloud_provider": "AWS",
			"status": databaseStatus(status), "infra_compute_size": "micro", "disk_type": "gp3", "disk_volume_size_gb": 8,
		}},
	}
}

// databaseStatus is a project's status among those that a database can have.
func databaseStatus(status string) string {
	switch status {
	case "INACTIVE", "PAUSING", "PAUSE_FAILED", "RESTORE_FAILED", "UPGRADING":
		return "UNKNOWN"
	}
	return status
}

// listing is what a list of projects is asked for.
type listing struct {
	search        string
	limit, offset int
	sort          string
	statuses      []string
}

func readListing(q map[string][]string) (l listing, complaint string) {
	get := func(name, otherwise string) string {
		if v := q[name]; len(v) > 0 {
			return v[0]
		}
		return otherwise
	}
	l.search, l.sort = get("search", ""), get("sort", "name_asc")
	var err error
	if l.limit, err = strconv.Atoi(get("limit", "100")); err != nil || l.limit < 1 || l.limit > 100 {
		return l, "limit must be between 1 and 100"
	}
	if l.offset, err = strconv.Atoi(get("offset", "0")); err != nil || l.offset < 0 {
		return l, "offset must not be less than 0"
	}
	if !slices.Contains([]string{"name_asc", "name_desc", "created_asc", "created_desc"}, l.sort) {
		return l, "sort must be one of the following values: name_asc, name_desc, created_asc, created_desc"
	}
	if text := get("statuses", ""); text != "" {
		l.statuses = strings.Split(text, ",")
	}
	for _, status := range l.statuses {
		if status != "ACTIVE_HEALTHY" && status != "INACTIVE" {
			return l, "each value in statuses must be one of the following values: ACTIVE_HEALTHY, INACTIVE"
		}
	}
	return l, ""
}

// matches searches, like the vendor, in the middle of names as well.
func (l listing) matches(p *project, now time.Time) bool {
	return strings.Contains(strings.ToLower(p.Name), strings.ToLower(l.search)) &&
		(len(l.statuses) == 0 || slices.Contains(l.statuses, p.status(now)))
}

func (l listing) order(a, b *project) int {
	by := cmp.Compare(a.Name, b.Name)
	if strings.HasPrefix(l.sort, "created") {
		by = a.Created.Compare(b.Created)
	}
	by = cmp.Or(by, cmp.Compare(a.Ref, b.Ref))
	if strings.HasSuffix(l.sort, "desc") {
		return -by
	}
	return by
}
