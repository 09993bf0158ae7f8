package vercel

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sharedTarget is what every domain may be an alias of, besides the name of its own.
const sharedTarget = "cname.vercel-dns.com"

// ownTarget is the name that Vercel recommends for a host, the same at each asking.
func (s *Sim) ownTarget(host string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d target %s", s.options.Seed, host))
	return fmt.Sprintf("%x.vercel-dns-%03d.com", sum[:8], 1+int(sum[8])%17)
}

// Leads reports whether target, as the DNS has it, is Vercel's for host.
func (s *Sim) Leads(host, target string) bool {
	target = canonical(target)
	return target == sharedTarget || target == s.ownTarget(canonical(host))
}

func canonical(host string) string { return strings.TrimSuffix(strings.ToLower(host), ".") }

// CheckDNS looks at the DNS of every domain that waits for its certificate, and lets the wait begin where it is right.
// Each call of the API does it, before and after; whoever changes the DNS may do it too.
func (s *Sim) CheckDNS() {
	serial := s.serial()
	waiting := s.unseen(serial)
	if len(waiting) == 0 {
		return
	}
	right := map[string]bool{}
	for _, host := range waiting {
		target, proxied, found := s.lookup(host)
		right[host] = found && !proxied && s.Leads(host, target)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen != serial {
		return // somebody looks who sees more
	}
	for _, host := range waiting {
		d, still := s.state.Domains[host]
		switch {
		case !still || d.certified(s.now()):
		case !right[host]:
			d.CertificateAt = time.Time{}
		case d.CertificateAt.IsZero():
			d.CertificateAt = s.now().Add(within(s.config.Certificate, s.draw("certificate", host)))
		}
	}
}

// serial tells which DNS it is that the resolver knows, from 1; 0 where it doesn't tell.
func (s *Sim) serial() int64 {
	if s.config.Serial == nil {
		return 0
	}
	return 1 + s.config.Serial()
}

// unseen lists the domains that wait for their certificates, unless they were looked at by the same serial.
func (s *Sim) unseen(serial int64) (hosts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if serial != 0 && serial == s.seen {
		return nil
	}
	s.seen = serial
	for host := range s.state.Waiting {
		if d, still := s.state.Domains[host]; still && !d.certified(s.now()) {
			hosts = append(hosts, host)
		} else {
			delete(s.state.Waiting, host)
		}
	}
	return hosts
}

func (s *Sim) lookup(host string) (target string, proxied, found bool) {
	if s.config.Resolver == nil {
		return "", false, false
	}
	return s.config.Resolver.LookupCNAME(host)
}

func (d *domain) certified(now time.Time) bool {
	return !d.CertificateAt.IsZero() && !now.Before(d.CertificateAt)
}

var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$`)

func (s *Sim) addDomain(r *http.Request, body []byte) answer {
	var in struct {
		Name string `json:"name"`
	}
	if refusal := decode(body, &in); refusal != nil {
		return *refusal
	}
	host := canonical(in.Name)
	if !hostName.MatchString(host) || len(host) > 253 {
		return failure(http.StatusBadRequest, "invalid_domain", "The domain name is invalid.", nil)
	}
	p, found := s.project(r.PathValue("project"))
	if !found {
		return notFound("Project not found.")
	}
	if other, taken := s.state.Domains[host]; taken {
		code := "domain_already_in_use"
		if other.Project == p.ID {
			code = "domain_already_exists"
		}
		return failure(http.StatusConflict, code, "The domain is already in use by a project.", object{"projectId": other.Project})
	}
	d := &domain{Name: host, Project: p.ID, Created: s.now(), Visible: s.options.VisibleAt(r)}
	s.state.Domains[host], s.state.Waiting[host], s.seen = d, true, 0
	return ok(d.document())
}

// domain finds the domain that a request's path names, whether look-ups show it yet or not. The mutex is held.
func (s *Sim) domain(r *http.Request) (*domain, bool) {
	p, found := s.project(r.PathValue("project"))
	if !found {
		return nil, false
	}
	d, found := s.state.Domains[canonical(r.PathValue("domain"))]
	return d, found && d.Project == p.ID
}

func (s *Sim) getDomain(r *http.Request, _ []byte) answer {
	d, found := s.domain(r)
	if !found || s.now().Before(d.Visible) {
		return notFound("Domain not found on this project.")
	}
	return ok(d.document())
}

// listDomains answers a page of a project's domains, the newest first. "until" leaves out what was made then or later.
func (s *Sim) listDomains(r *http.Request, _ []byte) answer {
	p, found := s.project(r.PathValue("project"))
	if !found {
		return notFound("Project not found.")
	}
	query := r.URL.Query()
	limit, until := defaultPage, int64(math.MaxInt64)
	var err, err2 error
	if text := query.Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
	}
	if text := query.Get("until"); text != "" {
		until, err2 = strconv.ParseInt(text, 10, 64)
	}
	if err != nil || err2 != nil || limit < 1 || limit > largestPage {
		return badRequest("limit must be from 1 to 100, until a number")
	}
	var all []*domain
	for _, d := range s.state.Domains {
		if d.Project == p.ID && !s.now().Before(d.Visible) && milliseconds(d.Created) < until {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b *domain) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.Name, b.Name)) })
	shown, next := []object{}, any(nil)
	for i, d := range all {
		if made := milliseconds(d.Created); i >= limit && made != milliseconds(all[i-1].Created) { // what was made at once stays together
			next = milliseconds(all[i-1].Created)
			break
		}
		shown = append(shown, d.document())
	}
	return ok(object{"domains": shown, "pagination": object{"count": len(shown), "next": next, "prev": nil}})
}

func (s *Sim) removeDomain(r *http.Request, _ []byte) answer {
	d, found := s.domain(r)
	if !found {
		return notFound("Domain not found on this project.")
	}
	delete(s.state.Domains, d.Name)
	return ok(object{})
}

func (d *domain) document() object {
	labels := strings.Split(d.Name, ".")
	return object{
		"name": d.Name, "apexName": strings.Join(labels[len(labels)-2:], "."), "projectId": d.Project, "verified": true,
		"redirect": nil, "redirectStatusCode": nil, "gitBranch": nil,
		"createdAt": milliseconds(d.Created), "updatedAt": milliseconds(d.Created),
	}
}

// domainConfig tells what the DNS of a name should be and is. Behind a proxy a name is right only if it had its
// certificate before.
//
// The mutex is held while the resolver is asked: it must not call back.
func (s *Sim) domainConfig(r *http.Request, _ []byte) answer {
	host := canonical(r.PathValue("domain"))
	if !hostName.MatchString(host) {
		return failure(http.StatusBadRequest, "invalid_domain", "The domain name is invalid.", nil)
	}
	if id := r.URL.Query().Get("projectIdOrName"); id != "" {
		if _, found := s.project(id); !found {
			return notFound("Project not found.")
		}
	}
	target, proxied, found := s.lookup(host)
	certified := false
	if d, has := s.state.Domains[host]; has {
		certified = d.certified(s.now())
	}
	var configuredBy any
	challenges := []string{}
	switch {
	case !found || !s.Leads(host, target):
	case !proxied:
		configuredBy, challenges = "CNAME", []string{"http-01"}
	case certified:
		configuredBy, challenges = "http", []string{"http-01"}
	}
	return ok(object{
		"configuredBy": configuredBy, "acceptedChallenges": challenges, "misconfigured": configuredBy == nil,
		"recommendedIPv4": []object{{"rank": 1, "value": []string{"216.150.1.1"}}, {"rank": 2, "value": []string{"76.76.21.21"}}},
		"recommendedCNAME": []object{
			{"rank": 1, "value": s.ownTarget(host) + "."},
			{"rank": 2, "value": sharedTarget + "."},
		},
	})
}
