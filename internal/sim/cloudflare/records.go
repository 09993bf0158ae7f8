package cloudflare

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// record is a DNS record as Cloudflare answers it.
type record struct {
	ID         string     `json:"id"`
	Type       string     `json:"type"`
	Name       string     `json:"name"`
	Content    string     `json:"content"`
	Proxiable  bool       `json:"proxiable"`
	Proxied    bool       `json:"proxied"`
	TTL        float64    `json:"ttl"`
	Settings   struct{}   `json:"settings"`
	Meta       struct{}   `json:"meta"`
	Comment    string     `json:"comment,omitempty"`
	Tags       []string   `json:"tags"`
	CreatedOn  time.Time  `json:"created_on"`
	ModifiedOn time.Time  `json:"modified_on"`
	CommentOn  *time.Time `json:"comment_modified_on,omitempty"`
	// VisibleAt is when lists show the record. It is kept beside the record and not answered.
	VisibleAt *time.Time `json:"sim_visible_at,omitempty"`
}

func (r record) public() record {
	r.VisibleAt = nil
	return r
}

// change is what a request wants of a record. Fields it doesn't name stay.
type change struct {
	Type    *string   `json:"type"`
	Name    *string   `json:"name"`
	Content *string   `json:"content"`
	TTL     *float64  `json:"ttl"`
	Proxied *bool     `json:"proxied"`
	Comment *string   `json:"comment"`
	Tags    *[]string `json:"tags"`
}

// decode reads a request's body, or refuses it.
func decode(w http.ResponseWriter, r *http.Request) (change, bool) {
	const longest = 1 << 20
	var c change
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, longest)).Decode(&c); err != nil {
		refuse(w, http.StatusBadRequest, 6007, "Malformed JSON in request body")
		return c, false
	}
	return c, true
}

// apply gives r with the change made and normalised.
func (s *Sim) apply(r record, c change, now time.Time) record {
	set(&r.Type, c.Type)
	set(&r.Content, c.Content)
	set(&r.TTL, c.TTL)
	set(&r.Proxied, c.Proxied)
	set(&r.Tags, c.Tags)
	if c.Name != nil {
		r.Name = s.absolute(*c.Name)
	}
	if c.Comment != nil && *c.Comment != r.Comment {
		r.Comment, r.CommentOn = *c.Comment, &now
		if r.Comment == "" {
			r.CommentOn = nil
		}
	}
	r.Proxiable = r.Type == "A" || r.Type == "AAAA" || r.Type == "CNAME"
	if r.Type == "CNAME" || r.Type == "NS" {
		r.Content = strings.ToLower(strings.TrimSuffix(r.Content, "."))
	}
	if r.Proxied {
		r.TTL = 1 // always automatic behind the proxy
	}
	r.ModifiedOn = now
	return r
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// absolute is the full name that Cloudflare makes of a given one: what doesn't end in the zone is relative to it.
func (s *Sim) absolute(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	switch {
	case name == "@", name == s.config.Domain:
		return s.config.Domain
	case name == "", strings.HasSuffix(name, "."+s.config.Domain):
		return name
	}
	return name + "." + s.config.Domain
}

func (s *Sim) create(w http.ResponseWriter, r *http.Request) {
	c, ok := decode(w, r)
	if !ok {
		return
	}
	now, visible := s.options.Clock.Now(), s.options.VisibleAt(r)
	made := s.apply(record{TTL: 1, Tags: []string{}, CreatedOn: now, VisibleAt: &visible}, c, now)
	if reason, bad := check(made); bad {
		invalid(w, reason)
		return
	}
	s.mu.Lock()
	reason, bad := s.clash(made)
	if !bad && len(s.state.Records.all) >= s.config.Records {
		reason, bad = problem{Code: 81045, Message: "The record quota has been exceeded."}, true
	}
	if !bad {
		s.state.Made[made.Name]++
		made.ID = s.id(made.Name, s.state.Made[made.Name])
		s.state.Records.add(made)
	}
	s.mu.Unlock()
	if bad {
		refuse(w, http.StatusBadRequest, reason.Code, reason.Message)
		return
	}
	succeed(w, made.public())
}

// id is 32 hexadecimal digits.
func (s *Sim) id(name string, n int) string {
	random := s.random("record", name, n)
	return fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64())
}

// clash says why a record can't stand beside those that are there, itself excepted: a CNAME excludes every other A,
// AAAA and CNAME of its name, NS records delegate the name, and no record is there twice.
func (s *Sim) clash(r record) (problem, bool) {
	for _, other := range s.state.Records.byName[r.Name] {
		if other.ID == r.ID {
			continue
		}
		switch {
		case other.Type == r.Type && strings.EqualFold(other.Content, r.Content) && r.Type == "TXT":
			return problem{Code: 81057, Message: "The record already exists."}, true
		case other.Type == r.Type && strings.EqualFold(other.Content, r.Content):
			return problem{Code: 81058, Message: "An identical record already exists."}, true
		case other.Type == "NS" && r.Type != "NS":
			return problem{Code: 81056, Message: "NS records with that host already exist."}, true
		case r.Type == "CNAME" && other.Proxiable:
			return problem{Code: 81053, Message: "An A, AAAA, or CNAME record with that host already exists."}, true
		case other.Type == "CNAME" && r.Proxiable:
			return problem{Code: 81054, Message: "A CNAME record with that host already exists."}, true
		}
	}
	return problem{}, false
}

// named gives the record that a request names; s.mu is held.
func (s *Sim) named(r *http.Request) (record, bool) {
	found, ok := s.state.Records.byID[r.PathValue("id")]
	if !ok {
		return record{}, false
	}
	return *found, true
}

func absent(w http.ResponseWriter) {
	refuse(w, http.StatusNotFound, 81044, "Record does not exist.")
}

func (s *Sim) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	found, ok := s.named(r)
	s.mu.Unlock()
	if !ok {
		absent(w)
		return
	}
	succeed(w, found.public())
}

func (s *Sim) update(w http.ResponseWriter, r *http.Request) {
	c, ok := decode(w, r)
	if !ok {
		return
	}
	now := s.options.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.named(r)
	if !ok {
		absent(w)
		return
	}
	changed := s.apply(found, c, now)
	if reason, bad := check(changed); bad {
		invalid(w, reason)
		return
	}
	if reason, bad := s.clash(changed); bad {
		refuse(w, http.StatusBadRequest, reason.Code, reason.Message)
		return
	}
	s.state.Records.replace(changed)
	succeed(w, changed.public())
}

func (s *Sim) remove(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	found, ok := s.named(r)
	if ok {
		s.state.Records.remove(found.ID)
	}
	s.mu.Unlock()
	if !ok {
		absent(w)
		return
	}
	succeed(w, map[string]string{"id": r.PathValue("id")})
}
