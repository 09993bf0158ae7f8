package world_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/view"
)

// TestListSignups: who has to decide sees who signed up; nobody else does, and nothing of it gets into the log.
func TestListSignups(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	inBubble(t, func(o *world.Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) }, func(r *rig) {
		var ids []string
		for n, slug := range []string{"acme-first", "acme-second", "acme-third"} {
			ids = append(ids, r.signup(fmt.Sprint("msg_", n), slug))
			time.Sleep(2 * bounds.Margin) // more than invocations' clocks differ by
		}
		first, second, third := ids[0], ids[1], ids[2]
		waiting := get[view.Signups](r, "/signups")
		if len(waiting.Signups) != 3 || waiting.Total != 3 || waiting.Signups[0].ID != first || waiting.Signups[2].ID != third {
			t.Fatalf("waiting: %+v", waiting)
		}
		if s := waiting.Signups[0]; s.Applicant == nil || *s.Applicant != (fleet.Applicant{Company: "Acme Dental", AdminName: "Ada Byron",
			AdminEmail: "ada@acme-dental.example", Phone: "+12125550123"}) || s.Slug != "acme-first" || s.Plan != "flat" || s.RequestedAt.IsZero() || s.NextAction == "" {
			t.Errorf("%+v", s)
		}
		for _, id := range []string{first, second} {
			if status, answer := r.do("POST", "/signups/"+id+"/reject", `{"reason":"a duplicate"}`, operator); status != http.StatusAccepted {
				t.Fatalf("%d %v", status, answer)
			}
		}
		rejected := get[view.Signups](r, "/signups?status=REJECTED")
		if len(rejected.Signups) != 2 || rejected.Signups[0].ID != second || rejected.Signups[0].Reason != "a duplicate" || rejected.Signups[0].DecidedBy != "operator:token" {
			t.Errorf("rejected, newest first: %+v", rejected)
		}
		r.refused(http.StatusUnprocessableEntity, "GET", "/signups?status=requested", "", "REQUESTED")
		r.refused(http.StatusUnprocessableEntity, "GET", "/signups?status=", "", "REQUESTED")
		status, answer := r.do("GET", "/signups", "", nil)
		if text := fmt.Sprint(answer); status != http.StatusUnauthorized || strings.Contains(text, "Ada") {
			t.Errorf("a stranger got %d: %s", status, text)
		}
	})
	for _, personal := range []string{"Acme Dental", "Byron", "ada@", "+1212555"} {
		if strings.Contains(log.String(), personal) {
			t.Errorf("%q is in the log", personal)
		}
	}
	if strings.Contains(log.String(), "an applicant does not open") {
		t.Error("whoever is erased was looked for")
	}
}

// keyless is a table of data keys that are gone, or that doesn't answer.
type keyless struct {
	table.Table
	mu   *sync.Mutex
	fail *error
}

func (k keyless) Get(ctx context.Context, key table.Key, consistent bool) (table.Item, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if *k.fail != nil {
		return table.Item{}, *k.fail
	}
	return k.Table.Get(ctx, key, consistent)
}

// silent is a key-encryption key that doesn't unwrap while fail says why.
type silent struct {
	tink.AEADWithContext
	fail *error
}

func (k silent) DecryptWithContext(ctx context.Context, wrapped, associated []byte) ([]byte, error) {
	if *k.fail != nil {
		return nil, *k.fail
	}
	return k.AEADWithContext.DecryptWithContext(ctx, wrapped, associated)
}

// TestMailWaitsForKeys: a message whose applicant can't be opened while KMS is throttled is sent once it isn't.
func TestMailWaitsForKeys(t *testing.T) {
	t.Parallel()
	var fail error
	inBubble(t, func(o *world.Options) { o.KeyEncryptionKey = silent{o.KeyEncryptionKey, &fail} }, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.reject(id)
		fail = fault.New(fault.Throttled, "KMS")
		_, _ = r.w.Invoke(r.ctx, "deliver", []byte("{}"))
		if m := r.message(id, fleet.SignupRejected); m.Status != fleet.MessageIntended {
			t.Errorf("while KMS is throttled it is %q", m.Status)
		}
		fail = nil
		r.ticks(2)
		if n := len(r.mailed(id, fleet.SignupRejected)); n != 1 {
			t.Errorf("sent %d times", n)
		}
		r.wantOpen(id)
	})
}

// TestListSignupsWithoutKeys: an applicant whose key is destroyed is missing from the list, and nothing else is; where the keys can't be
// read or unwrapped for now, the list says so rather than show nobody.
func TestListSignupsWithoutKeys(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var fail, unwrap error
	set := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		fail = err
	}
	inBubble(t, func(o *world.Options) {
		o.Hooks.Table = func(_ string, inner table.Table) table.Table { return inner }
		o.Keys = keyless{o.Keys, &mu, &fail}
		o.KeyEncryptionKey = silent{o.KeyEncryptionKey, &unwrap}
	}, func(r *rig) {
		r.signup("msg_1", "acme-dental")
		set(table.ErrNotFound)
		got := get[view.Signups](r, "/signups")
		if len(got.Signups) != 1 || got.Signups[0].Applicant != nil || got.Signups[0].Slug != "acme-dental" {
			t.Errorf("%+v", got)
		}
		set(errors.New("no answer"))
		r.refused(http.StatusServiceUnavailable, "GET", "/signups", "", "try again")
		set(nil)
		unwrap = fault.New(fault.Unavailable, "KMS")
		r.refused(http.StatusServiceUnavailable, "GET", "/signups", "", "try again")
		unwrap = nil
	})
}

// TestListSignupsIsBounded: however many wait, so many keys are opened.
func TestListSignupsIsBounded(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		for n := range view.MaxSignups + 5 {
			r.signup(fmt.Sprint("msg_", n), fmt.Sprint("acme-", n))
		}
		got := get[view.Signups](r, "/signups")
		if len(got.Signups) != view.MaxSignups || got.Total != view.MaxSignups+5 {
			t.Errorf("%d of %d", len(got.Signups), got.Total)
		}
	})
}
