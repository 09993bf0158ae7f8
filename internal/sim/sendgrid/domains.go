package sendgrid

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

type domain struct {
	ID        int64  `json:"id"`
	Owner     string `json:"owner"` // a subuser's name in lower case; empty for the parent
	OwnerID   int64  `json:"owner_id"`
	Domain    string `json:"domain"`
	Subdomain string `json:"subdomain"`
	Valid     bool   `json:"valid"`
	Records   struct {
		MailCNAME dnsRecord `json:"mail_cname"`
		DKIM1     dnsRecord `json:"dkim1"`
		DKIM2     dnsRecord `json:"dkim2"`
	} `json:"records"`
	// Spread is how long SendGrid's resolver takes to notice once the records are published.
	Spread time.Duration `json:"spread"`
	// Published is when a validation first saw all the records; zero if none has.
	Published time.Time  `json:"published"`
	Attempted *time.Time `json:"attempted"`
	VisibleAt time.Time  `json:"visible_at"`
}

// dnsRecord is a record that SendGrid wants published.
type dnsRecord struct {
	Valid bool   `json:"valid"`
	Type  string `json:"type"`
	Host  string `json:"host"`
	Data  string `json:"data"`
}

// domainAnswer is a domain as SendGrid shows it.
func (s *Sim) domainAnswer(d domain) map[string]any {
	body := map[string]any{
		"id": d.ID, "user_id": d.OwnerID, "username": d.Owner, "domain": d.Domain, "subdomain": d.Subdomain,
		"ips": []string{}, "custom_spf": false, "default": false, "legacy": false, "automatic_security": true,
		"valid": d.Valid, "dns": d.Records,
	}
	if d.Attempted != nil {
		body["last_validation_attempt_at"] = d.Attempted.Unix()
	}
	return body
}

func (s *Sim) listDomains(w http.ResponseWriter, r *http.Request, a actor) {
	now, wanted := s.options.Clock.Now(), strings.ToLower(r.URL.Query().Get("domain"))
	all := a.name == "" && r.URL.Query().Get("exclude_subusers") != "true" // the parent sees its subusers' as well
	list := []map[string]any{}
	s.mu.Lock()
	for _, d := range s.state.Domains {
		if (all || d.Owner == a.name) && !d.VisibleAt.After(now) && strings.Contains(d.Domain, wanted) {
			list = append(list, s.domainAnswer(d))
		}
	}
	s.mu.Unlock()
	if list, ok := page(w, r.URL.Query(), list); ok {
		answer(w, http.StatusOK, list)
	}
}

var hostname = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (s *Sim) authenticateDomain(w http.ResponseWriter, r *http.Request, a actor) {
	var n struct {
		Domain    string `json:"domain"`
		Subdomain string `json:"subdomain"`
		Automatic *bool  `json:"automatic_security"`
	}
	if !decode(w, r, &n) {
		return
	}
	n.Domain, n.Subdomain = strings.ToLower(n.Domain), strings.ToLower(n.Subdomain)
	switch {
	case !hostname.MatchString(n.Domain):
		refuse(w, http.StatusBadRequest, "domain", "domain is invalid")
		return
	case n.Subdomain != "" && !hostname.MatchString(n.Subdomain+"."+n.Domain):
		refuse(w, http.StatusBadRequest, "subdomain", "subdomain is invalid")
		return
	case n.Automatic != nil && !*n.Automatic:
		refuse(w, http.StatusBadRequest, "automatic_security", "only automatic security is simulated")
		return
	}
	visible := s.options.VisibleAt(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	random := s.next("spread", a.name+" "+n.Domain)
	made := domain{
		ID: s.newID("domain", a.name+" "+n.Domain), Owner: a.name, OwnerID: a.id, Domain: n.Domain,
		Subdomain: n.Subdomain, VisibleAt: visible,
		Spread: 2*time.Second + time.Duration(random.Int64N(int64(8*time.Second))),
	}
	if made.Subdomain == "" {
		made.Subdomain = fmt.Sprintf("em%d", made.ID%10_000)
	}
	target := fmt.Sprintf("u%d.wl%03d.sendgrid.net", made.OwnerID, made.ID%1000)
	made.Records.MailCNAME = dnsRecord{Type: "cname", Host: made.Subdomain + "." + n.Domain, Data: target}
	made.Records.DKIM1 = dnsRecord{Type: "cname", Host: "s1._domainkey." + n.Domain, Data: "s1.domainkey." + target}
	made.Records.DKIM2 = dnsRecord{Type: "cname", Host: "s2._domainkey." + n.Domain, Data: "s2.domainkey." + target}
	s.state.Domains = append(s.state.Domains, made)
	answer(w, http.StatusCreated, s.domainAnswer(made))
}

// placeDomain is the index of the domain that a request names; s.mu is held.
func (s *Sim) placeDomain(r *http.Request, a actor) int {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return -1
	}
	return slices.IndexFunc(s.state.Domains, func(d domain) bool { return d.ID == id && d.Owner == a.name })
}

// finding is what validation says of one record.
type finding struct {
	Valid  bool    `json:"valid"`
	Reason *string `json:"reason,omitempty"`
}

// validateDomain looks for the records in the DNS. They count from Spread after a validation first saw all of them.
func (s *Sim) validateDomain(w http.ResponseWriter, r *http.Request, a actor) {
	now := s.options.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.placeDomain(r, a)
	if i < 0 {
		refuse(w, http.StatusNotFound, "", "not found")
		return
	}
	d := &s.state.Domains[i]
	records := []*dnsRecord{&d.Records.MailCNAME, &d.Records.DKIM1, &d.Records.DKIM2}
	all := !slices.ContainsFunc(records, func(record *dnsRecord) bool { return !s.published(*record) })
	switch {
	case !all:
		d.Published = time.Time{}
	case d.Published.IsZero():
		d.Published = now
	}
	d.Valid = all && now.Sub(d.Published) >= d.Spread
	d.Attempted = &now
	findings := make([]finding, len(records))
	for n, record := range records {
		record.Valid = d.Valid
		findings[n].Valid = d.Valid
		if !d.Valid {
			reason := fmt.Sprintf("Expected CNAME for %q to match %q.", record.Host, record.Data)
			findings[n].Reason = &reason
		}
	}
	answer(w, http.StatusOK, map[string]any{
		"id": d.ID, "valid": d.Valid,
		"validation_results": map[string]finding{"mail_cname": findings[0], "dkim1": findings[1], "dkim2": findings[2]},
	})
}

// published reports whether the public sees the record: behind a proxy it sees none.
func (s *Sim) published(r dnsRecord) bool {
	if s.config.DNS == nil {
		return false
	}
	target, proxied, ok := s.config.DNS.LookupCNAME(r.Host)
	return ok && !proxied && strings.EqualFold(target, r.Data)
}

func (s *Sim) deleteDomain(w http.ResponseWriter, r *http.Request, a actor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.placeDomain(r, a)
	if i < 0 {
		refuse(w, http.StatusNotFound, "", "not found")
		return
	}
	s.state.Domains = slices.Delete(s.state.Domains, i, i+1)
	w.WriteHeader(http.StatusNoContent)
}
