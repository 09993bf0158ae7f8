package twilio_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
)

// TestOwned: every subaccount of an instance's name, active or suspended, over several pages, and neither closed ones nor others.
func TestOwned(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		want := map[fleet.Owned]bool{}
		for n := range 450 {
			id := fmt.Sprintf("6f9619ff-8b86-4d01-b42d-%012x", n)
			a := w.account(t, fleet.ResourceName(id))
			var err error
			switch n % 9 {
			case 1:
				err = w.Suspend(w.ctx, a.SID)
			case 2:
				err = w.CloseAccount(w.ctx, a.SID)
			}
			if err != nil {
				t.Fatal(err)
			}
			if n%9 != 2 {
				want[fleet.Owned{Kind: fleet.TwilioSubaccount, InstanceID: id, Name: a.Name, ID: a.SID}] = true
			}
		}
		for _, name := range []string{"Gimbal", "gimbal-", "gimbal-marketing"} {
			w.account(t, name)
		}
		var statuses []string
		list := func(ctx context.Context, cursor string) (fleet.OwnedPage, error) {
			query, _ := url.ParseQuery(cursor)
			statuses = append(statuses, query.Get("Status"))
			return w.Owned(ctx, cursor)
		}
		err := provider.EachOwned(w.read, list, func(o fleet.Owned) error {
			if !want[o] {
				t.Errorf("listed %+v, which is not ours or was listed before", o)
			}
			delete(want, o)
			return nil
		})
		if err != nil || len(want) != 0 || !slices.Equal(statuses, []string{"", "active", "suspended"}) {
			t.Errorf("%d are missing, %v, pages of %v", len(want), err, statuses)
		}
		for _, cursor := range []string{"x", "Status=closed", "%", "Status=active;"} {
			if _, err := w.Owned(w.read, cursor); !fault.Is(err, fault.Internal) || !fault.NothingHappened(err) {
				t.Errorf("%q: %v", cursor, err)
			}
		}
	})
}

// TestOwnedAnswers: a page without the list, or that leads elsewhere, is no page.
func TestOwnedAnswers(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"accounts":null}`, `{"accounts":[{}]}`, `{"accounts":[],"next_page_uri":":%"}`, `{"accounts":[],"next_page_uri":"/x?Page=1"}`, `<html>`,
	} {
		_, err := twilio.New(config(clock.System(), answering(200, body))).Owned(t.Context(), "")
		if !fault.Is(err, fault.Unavailable) || fault.NothingHappened(err) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
