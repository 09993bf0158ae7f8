package supabase

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// services are all the parts whose health can be asked for.
func services() []string {
	return []string{"auth", "db", "db_postgres_user", "pooler", "realtime", "rest", "storage", "pg_bouncer"}
}

func getHealth(r *http.Request, p *project, now time.Time) answer {
	asked := r.URL.Query()["services"]
	if len(asked) == 0 {
		return invalid("services should not be empty")
	}
	list := []map[string]any{}
	for _, name := range asked {
		if !slices.Contains(services(), name) {
			return invalid("each value in services must be one of the following values: " + strings.Join(services(), ", "))
		}
		status := "COMING_UP"
		if p.healthy(name, now) {
			status = "ACTIVE_HEALTHY"
		}
		list = append(list, map[string]any{"name": name, "status": status, "healthy": status == "ACTIVE_HEALTHY"})
	}
	return ok(list)
}

// authHealth is what the Auth service says of itself.
func authHealth(*http.Request) answer {
	return ok(map[string]any{
		"name": "GoTrue", "version": "v2.180.0", "description": "GoTrue is a user registration and authentication API",
	})
}

// restRoot is the description of an empty REST API.
func restRoot(*http.Request) answer {
	return ok(map[string]any{
		"swagger":     "2.0",
		"info":        map[string]any{"title": "standard public schema", "version": "13.0.4"},
		"paths":       map[string]any{"/": map[string]any{}},
		"definitions": map[string]any{},
	})
}
