package instance

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

const (
	// usualLines and usualAge are what is asked for unless said otherwise; oldest is how long logs may be kept.
	usualLines = 500
	usualAge   = 24 * time.Hour
	oldest     = 400 * 24 * time.Hour
)

// Logs gives what functions and workflows logged about an instance, vendors' request ids included, oldest first, and the names of
// its executions. ?since= is a duration or a time, ?limit= how many lines at most.
func Logs(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		q, err := query(env, r)
		if err != nil {
			return 0, nil, err
		}
		if _, err := known(ctx, env, r.ID); err != nil {
			return 0, nil, err
		}
		lines, err := env.Logs(ctx, q)
		if fault.Is(err, fault.NotReady) {
			return 0, nil, httpapi.Refuse(http.StatusUnprocessableEntity, fault.NotReady, "the query of the logs takes too long: ask for a shorter time, with ?since=")
		}
		if err != nil {
			return 0, nil, err
		}
		entries, _, err := env.Store.Audit(ctx, r.ID)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, view.Logs{Lines: append([]view.LogLine{}, lines...), More: len(lines) >= q.Limit, Executions: executions(entries)}, nil
	})
}

// query reads what is asked for.
func query(env step.Env, r httpapi.Request) (step.LogQuery, error) {
	now := env.Clock.Now()
	q := step.LogQuery{InstanceID: r.ID, From: now.Add(-usualAge), Limit: usualLines}
	bad := httpapi.BadFields{}
	if text := r.QueryStringParameters["since"]; text != "" {
		var ok bool
		if q.From, ok = since(now, text); !ok {
			bad["since"] = "a duration such as 2h30m, or a time such as 2026-01-02T15:04:05Z, of the last 400 days"
		}
	}
	if text := r.QueryStringParameters["limit"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > view.MaxLogLines {
			bad["limit"] = "a number from 1 to " + strconv.Itoa(view.MaxLogLines)
		}
		q.Limit = n
	}
	if len(bad) > 0 {
		return q, bad
	}
	return q, nil
}

func since(now time.Time, text string) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, text)
	if age, failed := time.ParseDuration(text); failed == nil {
		at, err = now.Add(-age), nil
	}
	return at, err == nil && !at.After(now) && now.Sub(at) <= oldest
}

// executions are those that the audit tells of, in the order of their begin.
func executions(entries []fleet.AuditEntry) []string {
	names := []string{}
	for _, e := range entries {
		name := ""
		switch e.Action {
		case "signup.admitted":
			operation, _, _ := strings.Cut(e.ID, "/")
			name = fleet.Operation{ID: operation, Phase: fleet.Building, N: 1}.Execution()
		case "teardown.begun", "notify.begun":
			name = e.Subject
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
