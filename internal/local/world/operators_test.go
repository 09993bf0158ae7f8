package world_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/view"
)

// ask sends an operator's request and decodes the answer's document, which must have no field that D lacks; of a refusal it gives
// the problem.
func ask[D any](r *rig, method, path, body string) (document D, problem httpapi.Problem, status int) {
	r.t.Helper()
	q := httptest.NewRequestWithContext(r.ctx, method, path, strings.NewReader(body))
	q.Header = operator
	out := httptest.NewRecorder()
	r.w.Front().ServeHTTP(out, q)
	var into any = &document
	if out.Code >= http.StatusBadRequest {
		into = &problem
	}
	d := json.NewDecoder(out.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		r.t.Fatalf("%s %s answered %d: %v", method, path, out.Code, err)
	}
	return document, problem, out.Code
}

// get is ask for what is there.
func get[D any](r *rig, path string) D {
	r.t.Helper()
	document, problem, status := ask[D](r, "GET", path, "")
	if status != http.StatusOK {
		r.t.Fatalf("%s answered %d: %+v", path, status, problem)
	}
	return document
}

// act is ask for what is done, with the given status.
func act[D any](r *rig, want int, path, body string) D {
	r.t.Helper()
	document, problem, status := ask[D](r, "POST", path, body)
	if status != want {
		r.t.Fatalf("%s %s answered %d, want %d: %+v", path, body, status, want, problem)
	}
	return document
}

// refused wants a request to be refused with a status and a text that says what to do.
func (r *rig) refused(want int, method, path, body, says string) {
	r.t.Helper()
	_, problem, status := ask[any](r, method, path, body)
	if text := fmt.Sprint(problem.Detail, problem.Fields); status != want || says == "" || !strings.Contains(text, says) {
		r.t.Errorf("%s %s %s answered %d %q, want %d and %q", method, path, body, status, text, want, says)
	}
}

// audited counts the entries of an action by the operator in a chain.
func (r *rig) audited(chain, action string) (n int) {
	r.t.Helper()
	entries, _, err := r.w.Store.Audit(r.ctx, chain)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Action == action && e.Actor == "operator:token" && e.Request != "" {
			n++
		}
	}
	return n
}

var pathID = regexp.MustCompile(`\{\w+\}`)

// operatorRoutes are the catalog's routes for operators.
func operatorRoutes() (all []catalog.Function) {
	for _, f := range catalog.Functions() {
		if f.Access == catalog.Operators {
			all = append(all, f)
		}
	}
	return all
}

// TestOperatorsRoutesAreForOperators: every one refuses everybody else in the same words, whatever is asked for, and does nothing.
func TestOperatorsRoutesAreForOperators(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		answers := map[string]bool{}
		for _, f := range operatorRoutes() {
			method, path, _ := strings.Cut(f.Route, " ")
			for _, named := range []string{id, "unknown", "11111111-1111-4111-8111-111111111111"} {
				for _, authorization := range []string{"", "Bearer", "Bearer wrong", "Bearer " + operatorToken + "2", operatorToken, "Basic " + operatorToken} {
					for _, body := range []string{"", "{}", `{"scope":"fleet","reason":"because"}`, "no JSON"} {
						code, answer := r.do(method, pathID.ReplaceAllString(path, named), body, http.Header{"Authorization": {authorization}})
						r.want(http.StatusUnauthorized, code, answer)
						answers[fmt.Sprint(answer)] = true
					}
				}
			}
		}
		if len(answers) != 1 {
			t.Errorf("the refusals differ: %v", answers)
		}
		if len(get[view.Fleet](r, "/instances").Frozen) > 0 {
			t.Error("a stranger froze the fleet")
		}
	})
}

// TestBodiesAreReadStrictly: what an operator mistyped is told, not guessed.
func TestBodiesAreReadStrictly(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.provision()
		for _, path := range []string{"/freeze", "/thaw", "/incidents/acknowledge", "/instances/" + id + "/resend"} {
			for _, body := range []string{"", "[]", "null", `"a"`, `{"scope":"fleet"`, `{"scope":"fleet","reason":"x","scopes":"y"}`, "{}{}", "{}x", "{\"scope\":\"\xff\"}"} {
				r.refused(http.StatusBadRequest, "POST", path, body, "no JSON object")
			}
			r.refused(http.StatusUnprocessableEntity, "POST", path, "{}", ":")
			r.refused(http.StatusRequestEntityTooLarge, "POST", path, strings.Repeat(" ", httpapi.MaxBody+1), "bytes")
		}
	})
}

// TestOperatorsSeeNothingSecret searches what the operators' API answers to whatever can be done about a run, and about a failing one,
// for credentials, for secrets that passed, and for the applicant's data, sealed as well.
func TestOperatorsSeeNothingSecret(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"", "sendgrid.SendMail=500-after@2,twilio.CreateKey=500-after", "twilio.CreateKey=403@1+"} {
		t.Run(script, func(t *testing.T) {
			inSecret(t, faults(t, script), func(s *secrets) {
				id := s.provision()
				s.signup("msg_2", "other-dental")
				for _, call := range []struct{ path, body string }{
					{"/instances/" + id + "/cancel", ""}, {"/instances/" + id + "/retry", ""}, {"/instances/" + id + "/resend", `{"message":"invitation"}`},
					{"/freeze", `{"scope":"fleet","reason":"x"}`}, {"/thaw", `{"scope":"fleet"}`},
				} {
					s.ask("POST", call.path, call.body)
				}
				signup, err := s.w.Store.Signup(s.ctx, id)
				if err != nil {
					t.Fatal(err)
				}
				s.search.Plant(base64.StdEncoding.EncodeToString(signup.Applicant), "the sealed applicant", items)
				s.gather(id)
				s.wantNone()
			})
		})
	}
}

// TestLogs: one query finds what functions, workflows and vendors said of an instance, each vendor call once, and nothing of others.
func TestLogs(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.provision()
		other := r.signup("msg_2", "other-dental")
		logs := get[view.Logs](r, "/instances/"+id+"/logs?limit=2000")
		sources, calls, requests := map[string]bool{}, 0, map[string]bool{}
		var last time.Time
		for _, line := range logs.Lines {
			sources[line.Source] = true
			if line.At.Before(last) || !strings.Contains(line.Text, id) || strings.Contains(line.Text, other) {
				t.Errorf("line %+v", line)
			}
			var call struct {
				Msg, Vendor, Method, Path, Function, Operation string
				Request                                        string `json:"vendor_request"`
				Status                                         int
			}
			if err := json.Unmarshal([]byte(line.Text), &call); err != nil || call.Msg != "vendor call" {
				continue
			}
			calls++
			if requests[call.Request] = true; strings.HasSuffix(call.Path, "/mail/send") && call.Request == "" {
				t.Errorf("without SendGrid's id of it: %+v", call)
			}
			if call.Vendor == "" || call.Method == "" || !strings.HasPrefix(call.Path, "/") || strings.Contains(call.Path, "?") || call.Status == 0 ||
				call.Function == "" || call.Operation != "op-"+id {
				t.Errorf("vendor call %+v", call)
			}
		}
		for _, want := range []string{"create-project", "notify-customer", "approve", "provision"} {
			if !sources[want] {
				t.Errorf("nothing of %s: %v", want, sources)
			}
		}
		if calls != r.vendorCalls() || len(requests) < 4 { // three mails, and no id
			t.Errorf("%d of %d vendor calls are logged, with request ids %v", calls, r.vendorCalls(), requests)
		}
		if want := []string{"op-" + id + "-provision-1"}; !cmp.Equal(logs.Executions, want) || logs.More {
			t.Errorf("executions %v, more %t", logs.Executions, logs.More)
		}
		few := get[view.Logs](r, "/instances/"+id+"/logs?limit=3")
		if len(few.Lines) != 3 || !few.More || few.Lines[0] != logs.Lines[0] {
			t.Errorf("limited to 3: %+v", few)
		}
		time.Sleep(time.Hour)
		if late := get[view.Logs](r, "/instances/"+id+"/logs?since=30m"); len(late.Lines) > 0 {
			t.Errorf("of the last half hour: %+v", late.Lines)
		}
		since := logs.Lines[len(logs.Lines)-1].At.Format(time.RFC3339Nano)
		if late := get[view.Logs](r, "/instances/"+id+"/logs?since="+since); len(late.Lines) < 1 || late.Lines[0].At.Before(logs.Lines[len(logs.Lines)-1].At) {
			t.Errorf("since the last line: %+v", late.Lines)
		}
		for query, field := range map[string]string{"limit=0": "limit", "limit=2001": "limit", "limit=x": "limit", "since=x": "since", "since=-1h": "since",
			"since=99999h": "since", "since=2020-01-01": "since"} {
			r.refused(http.StatusUnprocessableEntity, "GET", "/instances/"+id+"/logs?"+query, "", field)
		}
		if none := get[view.Logs](r, "/instances/"+other+"/logs"); len(none.Executions) > 0 {
			t.Errorf("a signup has executions: %v", none.Executions)
		}
	})
}

// vendorCalls counts the calls that reached a vendor.
func (r *rig) vendorCalls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.calls)
}

// TestUnknownInstances: a clear 404 for what isn't there, whatever it looks like.
func TestUnknownInstances(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		for _, id := range []string{"unknown", "11111111-1111-4111-8111-111111111111", strings.Repeat("x", 3000), "%00", "..%2f..", "%23", fleet.FleetID} {
			r.refused(http.StatusNotFound, "GET", "/instances/"+id, "", "there is no such")
			r.refused(http.StatusNotFound, "GET", "/instances/"+id+"/logs", "", "there is no such")
			r.refused(http.StatusNotFound, "POST", "/instances/"+id+"/cancel", "", "there is no such")
			r.refused(http.StatusNotFound, "POST", "/instances/"+id+"/resend", `{"message":"welcome"}`, "there is no such")
		}
	})
}
