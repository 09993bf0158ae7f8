package twilio

import (
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// Account statuses.
const (
	active    = "active"
	suspended = "suspended"
	closed    = "closed"
)

// longestName is the most characters a friendly name may have.
const longestName = 64

func (s *Sim) listAccounts(r *http.Request, caller *account) reply {
	name, status := r.URL.Query().Get("FriendlyName"), r.URL.Query().Get("Status")
	now := s.options.Clock.Now()
	var ids []string
	for _, a := range s.state.Accounts {
		switch {
		case caller.SID != s.parent && a.SID != caller.SID, // a subaccount sees itself
			a.Visible.After(now),
			name != "" && a.Name != name,
			status != "" && a.Status != status:
		default:
			ids = append(ids, a.SID)
		}
	}
	return paged(r, "accounts", ids, func(sid string) any { return s.show(s.account(sid)) })
}

func (s *Sim) createAccount(r *http.Request, caller *account) reply {
	if caller.SID != s.parent {
		return refuse(http.StatusUnauthorized, codeAuthenticate)
	}
	if !isForm(r) {
		return refuse(http.StatusBadRequest, codeInvalid)
	}
	now := s.options.Clock.Now()
	name := r.PostForm.Get("FriendlyName")
	if name == "" {
		name = "SubAccount Created at " + now.Format("2006-01-02 03:04 pm")
	}
	if utf8.RuneCountInString(name) > longestName {
		return refuse(http.StatusBadRequest, codeInvalid)
	}
	if s.open() >= s.MaxAccounts {
		return refuse(http.StatusBadRequest, codeMaximum)
	}
	s.state.Accounts = append(s.state.Accounts, account{
		SID: "AC" + s.mint("account"), Token: s.mint("token"), Name: name, Status: active,
		Created: now, Updated: now, Visible: s.options.VisibleAt(r),
	})
	return reply{http.StatusCreated, s.show(&s.state.Accounts[len(s.state.Accounts)-1])}
}

// open counts the subaccounts that aren't closed.
func (s *Sim) open() int {
	n := 0
	for _, a := range s.state.Accounts {
		if a.SID != s.parent && a.Status != closed {
			n++
		}
	}
	return n
}

func (s *Sim) fetchAccount(r *http.Request, caller *account) reply {
	a, refused := s.named(r.PathValue("file"), caller)
	if a == nil {
		return refused
	}
	return reply{http.StatusOK, s.show(a)}
}

func (s *Sim) updateAccount(r *http.Request, caller *account) reply {
	a, refused := s.named(r.PathValue("file"), caller)
	if a == nil {
		return refused
	}
	if a.Status == closed {
		return refuse(http.StatusBadRequest, codeClosed)
	}
	name, status := r.PostForm.Get("FriendlyName"), r.PostForm.Get("Status")
	switch status {
	case "", active, suspended, closed:
	default:
		return refuse(http.StatusBadRequest, codeInvalid)
	}
	// The parent's own status is Twilio's business, and a subaccount can't let itself in or out.
	if status != "" && (a.SID == s.parent || caller.SID != s.parent) {
		return refuse(http.StatusBadRequest, codeInvalid)
	}
	if !isForm(r) || utf8.RuneCountInString(name) > longestName {
		return refuse(http.StatusBadRequest, codeInvalid)
	}
	if name != "" {
		a.Name = name
	}
	if status != "" {
		a.Status = status
	}
	a.Updated = s.options.Clock.Now()
	return reply{http.StatusOK, s.show(a)}
}

// named gives the account of a path's last part, "AC….json", or why the caller doesn't get it.
func (s *Sim) named(file string, caller *account) (*account, reply) {
	sid, ok := strings.CutSuffix(file, ".json")
	if !ok {
		return nil, refuse(http.StatusNotFound, codeNotFound)
	}
	return s.reach(sid, caller)
}

// reach gives an account as far as the caller may act on it: the parent on all, the others on themselves.
func (s *Sim) reach(sid string, caller *account) (*account, reply) {
	if caller.SID != s.parent && caller.SID != sid {
		return nil, refuse(http.StatusUnauthorized, codeAuthenticate)
	}
	a := s.account(sid)
	if a == nil {
		return nil, refuse(http.StatusNotFound, codeNotFound)
	}
	return a, reply{}
}

// isForm reports whether a request's body is a form, the only kind that Twilio reads. No body is fine.
func isForm(r *http.Request) bool {
	if r.ContentLength == 0 {
		return true
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}
