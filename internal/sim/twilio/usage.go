package twilio

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// categories are some of those by which Twilio counts usage, with their units.
var categories = map[string]string{"calls": "calls", "mms": "messages", "sms": "messages", "sms-inbound": "messages", "sms-outbound": "messages", "totalprice": "usd"}

// Use has an account use so much more of a category, such as "sms".
func (s *Sim) Use(sid, category string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Usage == nil {
		s.state.Usage = map[string]map[string]int{}
	}
	if s.state.Usage[sid] == nil {
		s.state.Usage[sid] = map[string]int{}
	}
	s.state.Usage[sid][category] += n
}

type usageDocument struct {
	AccountSID  string  `json:"account_sid"`
	APIVersion  string  `json:"api_version"`
	AsOf        string  `json:"as_of"`
	Category    string  `json:"category"`
	Count       string  `json:"count"`
	CountUnit   string  `json:"count_unit"`
	Description string  `json:"description"`
	StartDate   string  `json:"start_date"`
	EndDate     string  `json:"end_date"`
	Price       float64 `json:"price"`
	PriceUnit   string  `json:"price_unit"`
	Usage       string  `json:"usage"`
	UsageUnit   string  `json:"usage_unit"`
	URI         string  `json:"uri"`
}

// listUsage counts by all categories, those that were never used included, over the account's whole time.
func (s *Sim) listUsage(r *http.Request, caller *account) reply {
	a, refused := s.reach(r.PathValue("account"), caller)
	if a == nil {
		return refused
	}
	if r.URL.Query().Get("IncludeSubaccounts") != "false" {
		return refuse(http.StatusBadRequest, codeInvalid) // this simulator adds no accounts up
	}
	now := s.options.Clock.Now().UTC()
	return paged(r, "usage_records", slices.Sorted(maps.Keys(categories)), func(category string) any {
		n := strconv.Itoa(s.state.Usage[a.SID][category])
		return usageDocument{
			AccountSID: a.SID, APIVersion: "2010-04-01", AsOf: now.Format(time.RFC3339), Category: category, Description: category,
			Count: n, CountUnit: categories[category], Usage: n, UsageUnit: categories[category], PriceUnit: "usd",
			StartDate: a.Created.UTC().Format(time.DateOnly), EndDate: now.Format(time.DateOnly), URI: r.URL.RequestURI(),
		}
	})
}
