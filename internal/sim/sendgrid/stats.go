package sendgrid

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// metrics are all that SendGrid counts.
var metrics = []string{"blocks", "bounce_drops", "bounces", "clicks", "deferred", "delivered", "invalid_emails", "opens", "processed", "requests",
	"spam_report_drops", "spam_reports", "unique_clicks", "unique_opens", "unsubscribe_drops", "unsubscribes"}

// listStats counts the mails of subusers by month, from a date to now, months without any included. All are delivered at once.
func (s *Sim) listStats(w http.ResponseWriter, r *http.Request, a actor) {
	query := r.URL.Query()
	from, err := time.Parse(time.DateOnly, query.Get("start_date"))
	names := query["subusers"]
	switch {
	case a.name != "":
		refuse(w, http.StatusForbidden, "", "access forbidden")
		return
	case err != nil || query.Get("aggregated_by") != "month" || query.Has("end_date"):
		refuse(w, http.StatusBadRequest, "start_date", "start_date, and aggregated_by month, are what this simulator knows")
		return
	case len(names) == 0 || len(names) > 10:
		refuse(w, http.StatusBadRequest, "subusers", "subusers are required, ten at most")
		return
	}
	now := s.options.Clock.Now().UTC()
	list := []map[string]any{}
	s.mu.Lock()
	for month := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC); !month.After(now); month = month.AddDate(0, 1, 0) {
		stats := []map[string]any{}
		for _, name := range names {
			stats = append(stats, map[string]any{"type": "subuser", "name": name, "metrics": s.counted(name, month)})
		}
		list = append(list, map[string]any{"date": month.Format(time.DateOnly), "stats": stats})
	}
	s.mu.Unlock()
	if list, ok := page(w, query, list); ok {
		answer(w, http.StatusOK, list)
	}
}

// counted counts a subuser's mails of a month; s.mu is held.
func (s *Sim) counted(name string, month time.Time) map[string]int {
	n, counts := 0, map[string]int{}
	for _, m := range s.state.Mails {
		if at := m.At.UTC(); strings.EqualFold(m.Subuser, name) && at.Year() == month.Year() && at.Month() == month.Month() {
			n++
		}
	}
	for _, metric := range metrics {
		counts[metric] = 0
		if slices.Contains([]string{"requests", "processed", "delivered"}, metric) {
			counts[metric] = n
		}
	}
	return counts
}
