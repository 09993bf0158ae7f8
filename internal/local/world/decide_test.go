package world_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestReject(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		for body, status := range map[string]int{`{}`: 422, `{"reason":""}`: 422, `{"reason":" "}`: 422, `{"reason":5}`: 422, `{"reason":null}`: 422,
			`{"reason":"` + strings.Repeat("x", 501) + `"}`: 422, `{"reason":"a\nb"}`: 422, `{"reason":"a","why":"b"}`: 422,
			`{"reason":"a","reason":"b"}`: 422, ``: 400, `"a"`: 400, `{"reason":"a"}x`: 400} {
			code, answer := r.do("POST", "/signups/"+id+"/reject", body, operator)
			r.want(status, code, answer)
		}
		r.wantFree("acme-dental", false)
		reject := func(reason string) (int, map[string]any) {
			t.Helper()
			return r.do("POST", "/signups/"+id+"/reject", `{"reason":"`+reason+`"}`, operator)
		}
		for _, reason := range []string{"not a dentist", "said again"} {
			code, answer := reject(reason)
			if r.want(http.StatusAccepted, code, answer); answer["status"] != "REJECTED" || answer["reason"] != "not a dentist" {
				t.Errorf("answer: %v", answer)
			}
		}
		if s := r.status(id); s["status"] != "REJECTED" || s["reason"] != "not a dentist" || s["state"] != nil || s["url"] != nil {
			t.Errorf("status: %v", s)
		}
		r.wantFree("acme-dental", true)
		code, answer := r.do("POST", "/signups/"+id+"/approve", "", operator)
		r.want(http.StatusConflict, code, answer)
		other := r.signup("msg_2", "acme-dental") // the slug is another's now
		if code, answer := reject("once more"); code != http.StatusAccepted {
			t.Errorf("%d %v", code, answer)
		}
		if claim, err := r.w.Store.Claim(r.ctx, "acme-dental"); err != nil || claim == nil || claim.InstanceID != other {
			t.Errorf("a repeated rejection took the slug from its next owner: %+v, %v", claim, err)
		}
		code, answer = r.post("msg_1", r.form("acme-dental"))                           // a replay of the rejected one changes nothing
		if r.want(http.StatusAccepted, code, answer); answer["status"] != "REQUESTED" { // it gets the first answer
			t.Errorf("answer: %v", answer)
		}
		if s := r.status(id); s["status"] != "REJECTED" {
			t.Errorf("status: %v", s)
		}
		r.settle()
		if n := len(r.w.Executions.ListExecutions()); n > 0 {
			t.Errorf("%d executions", n)
		}
		r.wantAuditWhole(id)
	})
}

// TestApproveManyTimes: however often and however much at once it is approved, one execution starts.
func TestApproveManyTimes(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { r.approve(id) })
		}
		all.Wait()
		time.Sleep(30 * time.Second)
		r.approve(id) // while it is being provisioned
		code, answer := r.do("POST", "/signups/"+id+"/reject", `{"reason":"too late"}`, operator)
		r.want(http.StatusConflict, code, answer)
		r.settle()
		r.approve(id) // when it is active
		r.settle()
		if n := len(r.w.Executions.ListExecutions()); n != 1 {
			t.Errorf("%d executions", n)
		}
		entries, _, err := r.w.Store.Audit(r.ctx, id)
		if err != nil || count(entries, "signup.decided") != 1 || count(entries, "signup.admitted") != 1 {
			t.Errorf("%+v, %v", entries, err)
		}
		r.wantActive(id)
		if s := r.status(id); s["status"] != "COMPLETED" || s["url"] != "https://acme-dental.gimbal.app" || s["reason"] != nil {
			t.Errorf("status: %v", s)
		}
	})
}

func TestOnlyOperatorsDecide(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		answers := map[string]bool{}
		for _, path := range []string{"/signups/" + id + "/approve", "/signups/" + id + "/reject", "/signups/unknown/approve", "/signups/unknown/reject",
			"/instances/" + id + "/retry", "/instances/unknown/retry"} {
			for _, authorization := range []string{"", "Bearer", "Bearer wrong", "Bearer " + operatorToken + "2", "Bearer " + operatorToken[1:], operatorToken, "Basic " + operatorToken} {
				for _, body := range []string{"", "{}", `{"reason":"because"}`, "no JSON"} {
					code, answer := r.do("POST", path, body, http.Header{"Authorization": {authorization}})
					r.want(http.StatusUnauthorized, code, answer)
					answers[fmt.Sprint(answer)] = true
				}
			}
		}
		if len(answers) != 1 {
			t.Errorf("the refusals differ: %v", answers)
		}
		if s := r.status(id); s["status"] != "REQUESTED" {
			t.Errorf("status: %v", s)
		}
	})
}

func TestUnknownSignup(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		for _, id := range []string{"unknown", "11111111-1111-4111-8111-111111111111", strings.Repeat("x", 3000), "%00", "..%2f..", "%23"} {
			for _, call := range []struct{ method, path, body string }{{"GET", "", ""}, {"POST", "/approve", ""}, {"POST", "/reject", `{"reason":"because"}`}} {
				code, answer := r.do(call.method, "/signups/"+id+call.path, call.body, operator)
				r.want(http.StatusNotFound, code, answer)
			}
			code, answer := r.do("POST", "/instances/"+id+"/retry", "", operator)
			r.want(http.StatusNotFound, code, answer)
		}
	})
}

// TestStatusTellsNothingPersonal: whoever has the URL sees how far it is, and no more.
func TestStatusTellsNothingPersonal(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.provision()
		text := fmt.Sprint(r.status(id))
		for _, personal := range []string{"Ada", "acme-dental.example", "555", "Acme Dental", "New_York", "operator"} {
			if strings.Contains(text, personal) {
				t.Errorf("the status tells %q: %s", personal, text)
			}
		}
	})
}
