package twilio

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

func (s *Sim) listKeys(r *http.Request, caller *account) reply {
	a, refused := s.reach(r.PathValue("account"), caller)
	if a == nil {
		return refused
	}
	now := s.options.Clock.Now()
	byID := map[string]key{}
	var ids []string
	for _, k := range s.state.Keys {
		// A closed account's keys are gone with it.
		if k.Account == a.SID && a.Status != closed && !k.Visible.After(now) {
			byID[k.SID] = k
			ids = append(ids, k.SID)
		}
	}
	return paged(r, "keys", ids, func(sid string) any { return showKey(byID[sid]) })
}

func (s *Sim) createKey(r *http.Request, caller *account) reply {
	a, refused := s.reach(r.PathValue("account"), caller)
	if a == nil {
		return refused
	}
	name := r.PostForm.Get("FriendlyName")
	switch {
	case a.Status == closed:
		return refuse(http.StatusBadRequest, codeClosed)
	case !isForm(r), utf8.RuneCountInString(name) > longestName:
		return refuse(http.StatusBadRequest, codeInvalid)
	}
	k := key{
		SID: "SK" + s.mint("key"), Account: a.SID, Name: name,
		Created: s.options.Clock.Now(), Visible: s.options.VisibleAt(r),
	}
	s.state.Keys = append(s.state.Keys, k)
	document := showKey(k)
	document.Secret = s.mint("secret")
	return reply{http.StatusCreated, document}
}

func (s *Sim) fetchKey(r *http.Request, caller *account) reply {
	i, refused := s.namedKey(r, caller)
	if i < 0 {
		return refused
	}
	return reply{http.StatusOK, showKey(s.state.Keys[i])}
}

func (s *Sim) deleteKey(r *http.Request, caller *account) reply {
	i, refused := s.namedKey(r, caller)
	if i < 0 {
		return refused
	}
	if s.account(s.state.Keys[i].Account).Status == closed {
		return refuse(http.StatusBadRequest, codeClosed)
	}
	s.state.Keys = slices.Delete(s.state.Keys, i, i+1)
	return reply{status: http.StatusNoContent}
}

// namedKey gives the index of the key that a path names, or -1 and why the caller doesn't get it.
func (s *Sim) namedKey(r *http.Request, caller *account) (int, reply) {
	a, refused := s.reach(r.PathValue("account"), caller)
	if a == nil {
		return -1, refused
	}
	sid, ok := strings.CutSuffix(r.PathValue("file"), ".json")
	i := slices.IndexFunc(s.state.Keys, func(k key) bool { return k.SID == sid && k.Account == a.SID })
	if !ok || i < 0 {
		return -1, refuse(http.StatusNotFound, codeNotFound)
	}
	return i, reply{}
}
