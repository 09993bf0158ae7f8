package sendgrid

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

type key struct {
	ID        string    `json:"id"`
	Owner     string    `json:"owner"` // a subuser's name in lower case; empty for the parent
	Name      string    `json:"name"`
	Scopes    []string  `json:"scopes"` // none for all
	Value     string    `json:"value"`
	VisibleAt time.Time `json:"visible_at"`
}

// mostKeys is how many keys an account holds.
const mostKeys = 100

func (s *Sim) listKeys(w http.ResponseWriter, r *http.Request, a actor) {
	type item struct {
		ID   string `json:"api_key_id"`
		Name string `json:"name"`
	}
	now := s.options.Clock.Now()
	list := []item{}
	s.mu.Lock()
	for _, k := range s.state.Keys {
		if k.Owner == a.name && !k.VisibleAt.After(now) {
			list = append(list, item{k.ID, k.Name})
		}
	}
	s.mu.Unlock()
	if list, ok := page(w, r.URL.Query(), list); ok {
		answer(w, http.StatusOK, map[string]any{"result": list})
	}
}

func (s *Sim) createKey(w http.ResponseWriter, r *http.Request, a actor) {
	var n struct {
		Name   string   `json:"name"`
		Scopes []string `json:"scopes"`
	}
	if !decode(w, r, &n) {
		return
	}
	if n.Name == "" {
		refuse(w, http.StatusBadRequest, "name", "missing required argument")
		return
	}
	visible := s.options.VisibleAt(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	held := 0
	for _, k := range s.state.Keys {
		if k.Owner == a.name {
			held++
		}
	}
	if held >= mostKeys {
		refuse(w, http.StatusForbidden, "", "Cannot create more than 100 API Keys")
		return
	}
	random := s.next("key", a.name+" "+n.Name)
	made := key{ID: letters(random, 22), Owner: a.name, Name: n.Name, Scopes: n.Scopes, VisibleAt: visible}
	made.Value = "SG." + made.ID + "." + letters(random, 43)
	s.state.Keys = append(s.state.Keys, made)
	answer(w, http.StatusCreated, map[string]any{
		"api_key": made.Value, "api_key_id": made.ID, "name": made.Name, "scopes": append([]string{}, n.Scopes...),
	})
}

// letters are n characters of those in SendGrid's keys.
func letters(random *rand.Rand, n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	text := make([]byte, n)
	for i := range text {
		text[i] = alphabet[random.IntN(len(alphabet))]
	}
	return string(text)
}

func (s *Sim) deleteKey(w http.ResponseWriter, r *http.Request, a actor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.state.Keys, func(k key) bool { return k.Owner == a.name && k.ID == r.PathValue("id") })
	if i < 0 {
		refuse(w, http.StatusNotFound, "", "unable to find API Key")
		return
	}
	s.state.Keys = slices.Delete(s.state.Keys, i, i+1)
	w.WriteHeader(http.StatusNoContent)
}
