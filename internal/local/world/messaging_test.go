package world_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
)

// ledger is an entry of an instance's that is there.
func (r *rig) ledger(id string, kind fleet.Kind) fleet.Resource {
	r.t.Helper()
	e, err := r.w.Store.Resource(r.ctx, id, kind, fleet.ResourceName(id))
	if err != nil || e == nil {
		r.t.Fatalf("%s: %+v, %v", kind, e, err)
	}
	return *e
}

// wantCallbacks judges that the instance's Messaging Service calls the instance, which knows the service.
func (r *rig) wantCallbacks(id string) {
	r.t.Helper()
	sid := r.ledger(id, fleet.TwilioService).ID
	inbound, status := r.w.Vendors.Twilio.Callbacks(sid)
	if at := "https://" + sampleHost + "/api/webhooks/twilio/"; inbound != at+"inbound" || status != at+"status" {
		r.t.Errorf("the service calls %q and %q", inbound, status)
	}
	site, live := r.w.Vendors.Vercel.Serve(sampleHost)
	if got := site.Environment["TWILIO_MESSAGING_SERVICE_SID"]; !live || got != sid {
		r.t.Errorf("the instance's functions send by %q, want %q", got, sid)
	}
}

// TestMessagesReachTheInstance: what comes in by message, and what becomes of messages sent, is told to the instance.
func TestMessagesReachTheInstance(t *testing.T) {
	t.Parallel()
	underContract(t, nil, func(r *rig) {
		id := r.provision()
		r.wantActive(id)
		r.wantCallbacks(id)
		if r.made("twilio.UpdateService") != 0 {
			t.Error("callbacks were mended that were right")
		}
	})
}

// elsewhere has the first Messaging Service made with a callback that isn't the instance's, and loses the answer.
func elsewhere(o *world.Options) {
	var done atomic.Bool
	o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
		return transport(func(q *http.Request) (*http.Response, error) {
			if q.Method != http.MethodPost || q.URL.Path != "/v1/Services" || done.Swap(true) {
				return next.RoundTrip(q)
			}
			sent, err := io.ReadAll(q.Body)
			if err != nil {
				return nil, err
			}
			form, err := url.ParseQuery(string(sent))
			if err != nil {
				return nil, err
			}
			form.Set("InboundRequestUrl", "https://elsewhere.example/")
			q = q.Clone(q.Context())
			text := []byte(form.Encode())
			q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
			if _, err := next.RoundTrip(q); err != nil {
				return nil, err
			}
			return nil, io.ErrUnexpectedEOF
		})
	}
}

// TestCallbacksAreMended: a Messaging Service that is found with other callbacks gets the instance's, however that goes wrong first.
func TestCallbacksAreMended(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"", "lost", "500-before", "429", "hang", "delayed:25s"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			script := "twilio.UpdateService=" + kind
			if kind == "" {
				script = ""
			}
			inBubble(t, func(o *world.Options) {
				faults(t, script)(o)
				elsewhere(o)
			}, func(r *rig) {
				id := r.provision()
				r.wantActive(id)
				r.wantCallbacks(id)
				if r.made("twilio.CreateService") != 1 || r.ledger(id, fleet.TwilioCallbacks).Status != fleet.Created {
					t.Error("the service was not adopted and mended")
				}
			})
		})
	}
}

// TestServiceGoesBeforeItsAccount: in a closed account a service couldn't be deleted any more, and would count for ever.
func TestServiceGoesBeforeItsAccount(t *testing.T) {
	t.Parallel()
	underContract(t, faults(t, "sendgrid.ValidateDomain=403@1+,twilio.DeleteService=500-before@1-3"), func(r *rig) {
		id := r.provision()
		r.wantClean(id)
		var order []string
		for _, c := range r.calls {
			if c.Vendor == "twilio" && c.Status/100 == 2 && (c.Operation == "DeleteService" || c.Operation == "UpdateAccount") {
				order = append(order, c.Operation)
			}
		}
		if !slices.Equal(order, []string{"DeleteService", "UpdateAccount"}) {
			t.Errorf("taken down by %q", order)
		}
	})
}

// TestAccountClosedByHand: in a subaccount that an operator has closed nothing can be reached, and nothing holds the take-down up.
func TestAccountClosedByHand(t *testing.T) {
	t.Parallel()
	var closed atomic.Bool
	inBubble(t, func(o *world.Options) {
		faults(t, "sendgrid.ValidateDomain=403@1+,twilio.CreateService=lost")(o)
		var token atomic.Value
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
			return transport(func(q *http.Request) (*http.Response, error) {
				if path, is := strings.CutPrefix(q.URL.Path, "/2010-04-01/Accounts/"); is && q.Method == http.MethodGet && strings.HasSuffix(path, ".json") &&
					!strings.Contains(path, "/") {
					token.Store(q.Header.Get("Authorization"))
				}
				if q.Method == http.MethodDelete && strings.HasPrefix(q.URL.Path, "/v1/Services/") && !closed.Swap(true) {
					sid, _, _ := q.BasicAuth()
					shut, err := http.NewRequestWithContext(q.Context(), http.MethodPost, "https://api.twilio.test/2010-04-01/Accounts/"+sid+".json",
						strings.NewReader("Status=closed"))
					if err != nil {
						return nil, err
					}
					shut.Header.Set("Authorization", token.Load().(string))
					shut.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					if _, err := next.RoundTrip(shut); err != nil {
						return nil, err
					}
				}
				return next.RoundTrip(q)
			})
		}
	}, func(r *rig) {
		id := r.provision()
		if o := r.operation(id); !closed.Load() || o.Outcome != fleet.FailedClean {
			t.Errorf("the account is closed: %t; the operation ended as %q: %s", closed.Load(), o.Outcome, o.Failure)
		}
		// Nothing can turn up in a closed account, so nobody looks there again.
		if claim, err := r.w.Store.Claim(r.ctx, "acme-dental"); err != nil || claim != nil {
			t.Errorf("the slug is still claimed: %+v, %v", claim, err)
		}
	})
}

// TestNoRoomForAService: the parent's limit for all subaccounts together ends a provisioning clean, and one taken down makes room.
func TestNoRoomForAService(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		r.w.Vendors.Twilio.MaxServices = 0
		id := r.provision()
		r.wantClean(id)
		if o := r.operation(id); o.Failure != string(fault.QuotaExceeded) {
			t.Errorf("failure: %q", o.Failure)
		}
		r.leaveQuarantine(id)
		r.w.Vendors.Twilio.MaxServices = 1
		second := r.signup("msg_2", "acme-dental")
		r.approve(second)
		r.settle()
		r.wantActive(second)
	})
}
