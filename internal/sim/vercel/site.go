package vercel

import (
	"time"
)

// Site is what a host name serves: a live deployment.
type Site struct {
	Project, Deployment string            // ids
	Meta                map[string]string // the deployment's
	// Environment is what its functions see: the project's variables as they were when the deployment was made.
	Environment map[string]string
	// Since is when the deployment went live.
	Since time.Time
	// Paused: Vercel answers in the deployment's stead, with 503 and DEPLOYMENT_PAUSED.
	Paused bool
	files  map[string][]byte
}

// File gives a file by its path without a leading slash.
func (s Site) File(path string) ([]byte, bool) {
	content, found := s.files[path]
	return content, found
}

// Serve gives what a host serves: the newest live deployment to production of the project that has it as a domain.
// The result is the caller's to keep, its contents aren't to be changed.
func (s *Sim) Serve(host string) (Site, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, found := s.state.Domains[canonical(host)]
	if !found {
		return Site{}, false
	}
	now := s.now()
	for _, one := range s.newest(d.Project) {
		if one.Target != "production" || !one.live(now) {
			continue
		}
		site := Site{
			Project: one.Project, Deployment: one.ID, Meta: one.Meta, Environment: one.Environment, Since: one.LiveAt,
			Paused: s.state.Projects[one.Project].Paused,
			files:  map[string][]byte{},
		}
		for path, sum := range one.Files {
			site.files[path] = s.state.Files[sum]
		}
		return site, true
	}
	return Site{}, false
}

// Certificate tells of a host's certificate.
type Certificate struct {
	// Issued: it has one.
	Issued bool
	// At is when it was issued, or will be; zero while the DNS isn't right.
	At time.Time
}

// Certificate gives the state of a host's certificate; false if no project has the host as a domain.
func (s *Sim) Certificate(host string) (Certificate, bool) {
	s.CheckDNS()
	s.mu.Lock()
	defer s.mu.Unlock()
	d, found := s.state.Domains[canonical(host)]
	if !found {
		return Certificate{}, false
	}
	return Certificate{Issued: d.certified(s.now()), At: d.CertificateAt}, true
}
