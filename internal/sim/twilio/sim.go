// Package twilio simulates Twilio's REST API 2010-04-01 as far as subaccounts and their API keys go, and of messaging/v1 the
// Messaging Services. All is one handler: the paths of the two hosts differ.
//
// As Twilio does, it allows any number of accounts and keys of one friendly name, lists the parent among its own
// subaccounts, keeps closed accounts in lists and refuses to change them ever after, shows auth tokens to the parent but
// a key's secret only once, and takes forms and gives JSON. Messaging Services are reached with their own account's credentials
// only, and count against the parent's limit even when that account is closed, until they are deleted.
package twilio

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/sim"
)

// Kinds of resources in the inventory, as the ledger spells them.
const (
	KindAccount = "twilio_subaccount"
	KindKey     = "twilio_key"
	KindService = "twilio_service"
)

// DefaultMaxAccounts is how many open subaccounts a parent may have unless Sim.MaxAccounts says otherwise.
const DefaultMaxAccounts = 1000

// DefaultMaxServices is how many Messaging Services there may be below a parent unless Sim.MaxServices says otherwise. Twilio
// publishes no number.
const DefaultMaxServices = 1000

// Sim is Twilio with one parent account.
type Sim struct {
	// MaxAccounts bounds the subaccounts that aren't closed; beyond, creating one is refused with 21480. Set it before use.
	MaxAccounts int
	// MaxServices bounds the Messaging Services of the parent and all subaccounts together; beyond, creating one is refused with
	// 21102. Set it before use.
	MaxServices int

	options sim.Options
	router  sim.Router
	parent  string // SID

	mu    sync.Mutex
	state state
}

// state is everything that is kept over a restart.
type state struct {
	Minted   uint64    `json:"minted"` // ids and secrets handed out so far
	Calls    uint64    `json:"calls"`
	Accounts []account `json:"accounts"` // the parent first, then in order of creation
	Keys     []key     `json:"keys"`
	Services []service `json:"services"`
	// Usage is what accounts have used, by SID and category.
	Usage map[string]map[string]int `json:"usage,omitempty"`
}

type account struct {
	SID     string    `json:"sid"`
	Token   string    `json:"token"`
	Name    string    `json:"name"`
	Status  string    `json:"status"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
	Visible time.Time `json:"visible"` // in lists from then on
}

type key struct {
	SID     string    `json:"sid"`
	Account string    `json:"account"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Visible time.Time `json:"visible"`
}

// New makes a Twilio whose parent account has the given SID (AC and 32 hexadecimal digits) and auth token
// (alphanumeric, as real ones are).
func New(o sim.Options, sid, token string) *Sim {
	now := o.Clock.Now()
	s := &Sim{MaxAccounts: DefaultMaxAccounts, MaxServices: DefaultMaxServices, options: o, parent: sid}
	s.state.Accounts = []account{{
		SID: sid, Token: token, Name: "Gimbal", Status: active, Created: now, Updated: now, Visible: now,
	}}
	s.router.Handle("GET /2010-04-01/Accounts.json", "ListAccounts", s.call(s.listAccounts))
	s.router.Handle("POST /2010-04-01/Accounts.json", "CreateAccount", s.call(s.createAccount))
	s.router.Handle("GET /2010-04-01/Accounts/{file}", "FetchAccount", s.call(s.fetchAccount))
	s.router.Handle("POST /2010-04-01/Accounts/{file}", "UpdateAccount", s.call(s.updateAccount))
	s.router.Handle("GET /2010-04-01/Accounts/{account}/Keys.json", "ListKeys", s.call(s.listKeys))
	s.router.Handle("POST /2010-04-01/Accounts/{account}/Keys.json", "CreateKey", s.call(s.createKey))
	s.router.Handle("GET /2010-04-01/Accounts/{account}/Keys/{file}", "FetchKey", s.call(s.fetchKey))
	s.router.Handle("DELETE /2010-04-01/Accounts/{account}/Keys/{file}", "DeleteKey", s.call(s.deleteKey))
	s.router.Handle("GET /2010-04-01/Accounts/{account}/Usage/Records.json", "ListUsageRecords", s.call(s.listUsage))
	s.router.Handle("GET /v1/Services", "ListServices", s.call(s.listServices))
	s.router.Handle("POST /v1/Services", "CreateService", s.call(s.createService))
	s.router.Handle("GET /v1/Services/{sid}", "FetchService", s.call(s.fetchService))
	s.router.Handle("POST /v1/Services/{sid}", "UpdateService", s.call(s.updateService))
	s.router.Handle("DELETE /v1/Services/{sid}", "DeleteService", s.call(s.deleteService))
	return s
}

// Name is "twilio".
func (s *Sim) Name() string { return "twilio" }

// Operation names what a request calls.
func (s *Sim) Operation(r *http.Request) string { return s.router.Operation(r) }

// Operations names every call that there is, unsorted; a name may come twice.
func (s *Sim) Operations() []string { return s.router.Operations() }

func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Operation(r) == "" {
		s.Fail(w, http.StatusNotFound, 0)
		return
	}
	s.router.ServeHTTP(w, r)
}

// call wraps an operation: it takes its time, then checks who calls, then takes effect under the mutex.
func (s *Sim) call(do func(r *http.Request, caller *account) reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// A request that was sent takes effect though its caller hangs up.
		if err := s.options.Clock.Sleep(context.WithoutCancel(r.Context()), s.latency()); err != nil {
			return
		}
		if err := r.ParseForm(); err != nil {
			refuse(http.StatusBadRequest, codeInvalid).write(w)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		caller := s.caller(r)
		if caller == nil {
			refuse(http.StatusUnauthorized, codeAuthenticate).write(w)
			return
		}
		do(r, caller).write(w)
	}
}

// caller is the account whose SID and auth token a request carries; nil without one. Accounts that aren't active have
// no access.
func (s *Sim) caller(r *http.Request) *account {
	sid, token, ok := r.BasicAuth()
	a := s.account(sid)
	if !ok || a == nil || a.Token != token || a.Status != active {
		return nil
	}
	return a
}

// latency is how long a call takes: between half of Options.Answer and all of it.
func (s *Sim) latency() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Calls++
	sum := s.digest("latency", s.state.Calls)
	half := s.options.Answer / 2
	return half + half*time.Duration(sum[0])/255
}

// mint gives 32 hexadecimal digits that nobody got before.
func (s *Sim) mint(what string) string {
	s.state.Minted++
	sum := s.digest(what, s.state.Minted)
	return hex.EncodeToString(sum[:16])
}

func (s *Sim) digest(what string, n uint64) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "twilio %d %s %d", s.options.Seed, what, n))
}

func (s *Sim) account(sid string) *account {
	i := slices.IndexFunc(s.state.Accounts, func(a account) bool { return a.SID == sid })
	if i < 0 {
		return nil
	}
	return &s.state.Accounts[i]
}

// Inventory lists the subaccounts that aren't closed, their keys, and all Messaging Services, which still count when their account
// is closed. Keys and services are marked with their account's SID.
func (s *Sim) Inventory() []sim.Held {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := []sim.Held{}
	for _, a := range s.state.Accounts {
		if a.SID != s.parent && a.Status != closed {
			held = append(held, sim.Held{Kind: KindAccount, Name: a.Name, ID: a.SID, Status: a.Status})
		}
	}
	for _, k := range s.state.Keys {
		if a := s.account(k.Account); a != nil && a.Status != closed {
			held = append(held, sim.Held{Kind: KindKey, Name: k.Name, ID: k.SID, Mark: k.Account})
		}
	}
	for _, v := range s.state.Services {
		held = append(held, sim.Held{Kind: KindService, Name: v.Name, ID: v.SID, Mark: v.Account})
	}
	slices.SortFunc(held, func(a, b sim.Held) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return held
}

// Save gives the whole state as JSON.
func (s *Sim) Save() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(s.state)
}

// Load replaces the whole state by a saved one.
func (s *Sim) Load(saved []byte) error {
	var loaded state
	if err := json.Unmarshal(saved, &loaded); err != nil {
		return fmt.Errorf("twilio's state: %w", err)
	}
	if len(loaded.Accounts) == 0 || loaded.Accounts[0].SID != s.parent {
		return fmt.Errorf("twilio's state is of another parent account")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = loaded
	return nil
}
