package portal

import (
	"crypto/rand"
	"maps"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/view"
)

const (
	// sessionLasts is how long an operator stays signed in, by the machine's time.
	sessionLasts = 12 * time.Hour
	// keptForms is how many sent forms a session remembers.
	keptForms = 1000
)

// session is a signed-in operator's. The browser knows it by a random name only.
type session struct {
	token string
	until time.Time

	mu     sync.Mutex
	notice *notice
	sent   map[string]bool // forms, by what tells one from the others
}

// notice is what came of the last action, shown once.
type notice struct {
	Text string
	Bad  bool
	// Form is the action that was refused, and Input what was typed, so that it need not be typed again.
	Form  string
	Input url.Values
}

// tell keeps a notice for the next page.
func (s *session) tell(n notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notice = &n
}

// told takes the notice.
func (s *session) told() *notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.notice
	s.notice = nil
	return n
}

// first reports whether a form is sent for the first time. A page's form is good for one request: a double click on "resend"
// would send two mails.
func (s *session) first(form string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent[form] {
		return false
	}
	if len(s.sent) >= keptForms {
		clear(s.sent)
	}
	s.sent[form] = true
	return true
}

// sessions are those of all operators who have signed in. They end with the process.
type sessions struct {
	clock clock.Clock
	mu    *sync.Mutex
	open  map[string]*session
}

func newSessions(c clock.Clock) sessions {
	return sessions{clock: c, mu: &sync.Mutex{}, open: map[string]*session{}}
}

// begin opens a session and gives its name.
func (s sessions) begin(token string) string {
	name := rand.Text() // 128 bits
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.open, func(_ string, old *session) bool { return !now.Before(old.until) })
	s.open[name] = &session{token: token, until: now.Add(sessionLasts), sent: map[string]bool{}}
	return name
}

// find gives an open session, nil for none.
func (s sessions) find(name string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.open[name]; found != nil && s.clock.Now().Before(found.until) {
		return found
	}
	return nil
}

// holds reports whether a session is open still.
func (s sessions) holds(one *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	for _, open := range s.open {
		if open == one {
			return now.Before(one.until)
		}
	}
	return false
}

func (s sessions) end(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, name)
}

// cookieName tells two systems on one machine apart: browsers give a cookie to every port of its host.
func cookieName(r *http.Request) string {
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		port = "0"
	}
	return "fleet-session-" + port
}

func setCookie(w http.ResponseWriter, r *http.Request, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: cookieName(r), Value: value, Path: "/console", MaxAge: seconds, HttpOnly: true, Secure: r.TLS != nil,
		SameSite: http.SameSiteStrictMode})
}

// showSignIn shows the form; with the token in its address, as serve prints it, it signs in at once. The next address has none.
func (p *Portal) showSignIn(w http.ResponseWriter, r *http.Request) {
	if token := r.URL.Query().Get("token"); token != "" {
		p.admit(w, r, token)
		return
	}
	p.pages.show(w, http.StatusOK, "sign-in", p.frame(nil, "Sign in"))
}

func (p *Portal) signIn(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	p.admit(w, r, r.PostForm.Get("token"))
}

// admit lets the API judge a token.
func (p *Portal) admit(w http.ResponseWriter, r *http.Request, token string) {
	if err := (operator{p.api, token}).get(r.Context(), "/incidents", &view.Incidents{}); err != nil {
		f := p.frame(nil, "Sign in")
		f.Notice = &notice{Bad: true, Text: "That is not the operator's token. Where Fleet was started, it is printed."}
		if why := refused(err); why.Status != http.StatusUnauthorized {
			f.Notice.Text = why.Error()
		}
		p.pages.show(w, http.StatusForbidden, "sign-in", f)
		return
	}
	setCookie(w, r, p.sessions.begin(token), int(sessionLasts.Seconds()))
	http.Redirect(w, r, "/console", http.StatusSeeOther)
}

func (p *Portal) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName(r)); err == nil {
		p.sessions.end(c.Value)
	}
	setCookie(w, r, "", -1)
	http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
}

// operatorPage answers a request of one who has signed in. Its error is shown.
type operatorPage func(w http.ResponseWriter, r *http.Request, o visitor) error

// visitor is an operator who looks at a page.
type visitor struct {
	operator
	session *session
}

// signedIn leads who has not signed in to where they can, and shows what the API refuses.
func (p *Portal) signedIn(page operatorPage) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var s *session
		c, err := r.Cookie(cookieName(r))
		if err == nil {
			s = p.sessions.find(c.Value)
		}
		if s == nil {
			http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
			return
		}
		err = page(w, r, visitor{operator{p.api, s.token}, s})
		if err == nil {
			return
		}
		why := refused(err)
		if why.Status == http.StatusUnauthorized { // the token was changed since
			p.sessions.end(c.Value)
			http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
			return
		}
		status := why.Status
		if status == 0 {
			status = http.StatusBadGateway
		}
		p.pages.show(w, status, "trouble", p.frame(s, "That did not work").with(why))
	}
}
