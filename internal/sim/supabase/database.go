package supabase

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"
)

// getPooler tells where the pooler listens, with the literal placeholder that the vendor puts for the password. There
// is none before the project is up.
func (s *Sim) getPooler(_ *http.Request, p *project, now time.Time) answer {
	list := []map[string]any{}
	if status := p.status(now); status == "UNKNOWN" || status == "COMING_UP" {
		return ok(list)
	}
	host, user := s.pooler(p)
	address := "postgresql://" + user + ":[YOUR-PASSWORD]@" + host + ":6543/postgres"
	return ok(append(list, map[string]any{
		"identifier": p.Ref, "database_type": "PRIMARY", "is_using_scram_auth": true,
		"db_user": user, "db_host": host, "db_port": 6543, "db_name": "postgres",
		"connection_string": address, "connectionString": address,
		"default_pool_size": nil, "max_client_conn": nil, "pool_mode": "transaction",
	}))
}

// pooler is where a project's database is reached, and nowhere else.
func (s *Sim) pooler(p *project) (host, user string) {
	return cmp.Or(s.settings.Databases.Host(), p.Pooler), "postgres." + p.Ref
}

// Reached reports whether a project's database is reached at host by user.
func (s *Sim) Reached(host, user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ref, _ := strings.Cut(user, ".")
	p := s.find(ref)
	if p == nil {
		return false
	}
	at, by := s.pooler(p)
	return host == at && user == by
}

func (s *Sim) updateDatabasePassword(r *http.Request) answer {
	var in struct {
		Password *string `json:"password"`
	}
	if err := decode(r, &in, false); err != nil || in.Password == nil || len(*in.Password) < 4 {
		return invalid("password must be longer than or equal to 4 characters")
	}
	ref := r.PathValue("ref")
	if refusal, refused := s.whenUp(ref); refused {
		return refusal
	}
	if err := s.settings.Databases.SetPassword(context.WithoutCancel(r.Context()), ref, *in.Password); err != nil {
		return failed(http.StatusInternalServerError, "Failed to update database password")
	}
	return ok(map[string]any{"message": "Successfully updated password"})
}

// whenUp refuses what a project that isn't up can't do.
func (s *Sim) whenUp(ref string) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(ref)
	switch {
	case p == nil:
		return noProject(), true
	case p.status(s.options.Clock.Now()) != "ACTIVE_HEALTHY":
		return failed(http.StatusBadRequest, "Project is not active."), true
	}
	return answer{}, false
}
