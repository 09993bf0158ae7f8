package step_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

const (
	goodInput = `{"instanceId":"1","operationId":"op-1","epoch":1,"activated":false}`
	freeText  = "the password hunter2 was refused"
)

// invoke runs one invocation of create-frontend and gives its answer, its error and its log.
func (r *rig) invoke(h step.Handler, payload string) (answer, log string, err error) {
	c := clock.Skewed(r.clock, 0)
	ctx, cancel := c.WithTimeout(r.ctx, bounds.Lambda)
	defer cancel()
	var lines bytes.Buffer
	env := r.env(c, &port{kill: cancel, table: r.chaos, vendor: r.vendor})
	env.Log = slog.New(slog.NewJSONHandler(&lines, nil))
	text, err := step.Invoke(ctx, env, catalog.CreateFrontend, h, json.RawMessage(payload))
	return string(text), lines.String(), err
}

// refusal is the error of an invocation as aws-lambda-go takes it: it names an error after its outer type, so it must be this
// very type, by value.
func refusal(t *testing.T, err error) messages.InvokeResponse_Error {
	t.Helper()
	refused, ok := err.(messages.InvokeResponse_Error) //nolint:errorlint // a wrapped one is what must not be
	if !ok {
		t.Errorf("gave %T: %v", err, err)
	}
	return refused
}

// failing is a step that fails.
func failing(err error) step.Func { return func(context.Context, *step.Run) error { return err } }

// TestErrorsAreNamedByTheirCode: a state machine matches the code, whatever is wrapped around the fault.
func TestErrorsAreNamedByTheirCode(t *testing.T) {
	wrappings := map[string]func(error) error{
		"as it is": func(err error) error { return err },
		"wrapped":  func(err error) error { return fmt.Errorf("%s: %w", freeText, err) },
		"joined":   func(err error) error { return errors.Join(err, errors.New(freeText)) },
		"a cause": func(err error) error {
			return &fault.Error{Code: fault.CodeOf(err), Text: "stopped", Err: errors.New(freeText)}
		},
	}
	for _, code := range fault.Codes() {
		for name, wrap := range wrappings {
			t.Run(string(code)+" "+name, func(t *testing.T) {
				inBubble(t, func(r *rig) {
					_, log, err := r.invoke(failing(wrap(fault.New(code, "stopped"))), goodInput)
					if got := refusal(t, err); got.Type != string(code) || got.Message != "stopped" {
						t.Errorf("gave %+v", got)
					}
					if strings.Contains(log, "hunter2") || !strings.Contains(log, string(code)) {
						t.Errorf("log: %s", log)
					}
				})
			})
		}
	}
}

// TestNothingSecretIsTold: neither an error's free text, nor a panic's value, nor a secret reach the answer or the log.
func TestNothingSecretIsTold(t *testing.T) {
	steps := map[string]step.Handler{
		"unclassified": failing(errors.New(freeText)),
		"panic":        step.Func(func(context.Context, *step.Run) error { panic(freeText) }),
		"panic with an error": step.Func(func(context.Context, *step.Run) error {
			panic(fault.New(fault.Rejected, freeText))
		}),
		"a port that is missing":         step.Func(func(ctx context.Context, run *step.Run) error { return run.Trigger(ctx, "admit") }),
		"a secret in a fault":            failing(fault.New(fault.Internal, "%s %v", provider.NewSecret("hunter2"), provider.NewSecret("hunter2"))),
		"an answer that does not encode": step.Verdict(func(context.Context, *step.Run) (any, error) { return func() {}, nil }),
		"a verdict that panics":          step.Verdict(func(context.Context, *step.Run) (any, error) { panic(freeText) }),
		"a lead that panics":             step.Lead(func(context.Context, step.Env, fleet.RunInput, step.Cause) (any, error) { panic(freeText) }),
		"an event that panics":           step.Event(func(context.Context, step.Env) error { panic(freeText) }),
	}
	for name, h := range steps {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				answer, log, err := r.invoke(h, goodInput)
				got := refusal(t, err)
				if got.Type != string(fault.Internal) || answer != "" {
					t.Errorf("gave %q, %+v", answer, got)
				}
				if told := log + fmt.Sprintf("%+v", got); strings.Contains(told, "hunter2") {
					t.Errorf("told: %s", told)
				}
			})
		})
	}
}

func TestBadInput(t *testing.T) {
	for _, payload := range []string{``, `{`, `null`, `{}`, `[]`, `"1"`, `{"instanceId":"1","operationId":"op-1"}`, `{"instanceId":"1","operationId":"op-1","epoch":0}`,
		`{"instanceId":"1","operationId":"op-1","epoch":-1}`, `{"instanceId":"1","operationId":"op-1","epoch":"hunter2"}`, `{"instanceId":"","operationId":"op-1","epoch":1}`,
		`{"operationId":"op-1","epoch":1}`, `{"instanceId":"1","epoch":1}`, `{"instanceId":"1","operationId":"op-9","epoch":1}`} {
		t.Run(payload, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				ran := false
				_, log, err := r.invoke(step.Func(func(context.Context, *step.Run) error { ran = true; return nil }), payload)
				if got := refusal(t, err); got.Type != string(fault.Internal) || strings.Contains(got.Message+log, "hunter2") {
					t.Errorf("gave %+v, log %s", got, log)
				}
				if ran {
					t.Error("the step ran")
				}
			})
		})
	}
}

// TestStaleInput: an epoch that is not the instance's is stale before the step runs.
func TestStaleInput(t *testing.T) {
	for _, payload := range []string{goodInput, `{"instanceId":"1","operationId":"op-1","epoch":3}`, `{"instanceId":"9","operationId":"op-1","epoch":1}`} {
		inBubble(t, func(r *rig) {
			r.takeOver()
			_, _, err := r.invoke(step.Func(func(context.Context, *step.Run) error { t.Error("the step ran"); return nil }), payload)
			got := refusal(t, err)
			if stale := got.Type == string(fault.StaleEpoch); !stale && !strings.Contains(payload, `"9"`) {
				t.Errorf("gave %+v", got)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	names := []string{}
	ended := func(_ context.Context, _ step.Env, execution string) error {
		names = append(names, execution)
		return nil
	}
	handlers := map[string]struct {
		h      step.Handler
		answer string
	}{
		"a step's result is dropped": {failing(nil), `{}`},
		"a verdict":                  {step.Verdict(func(_ context.Context, run *step.Run) (any, error) { return run.Instance.State, nil }), `"PROVISIONING"`},
		"a lead": {step.Lead(func(_ context.Context, _ step.Env, in fleet.RunInput, cause step.Cause) (any, error) {
			return []any{in.InstanceID, in.Epoch, cause.Error}, nil
		}), `["1",7,"Rejected"]`},
		"an event":     {step.Event(func(context.Context, step.Env) error { return nil }), `{}`},
		"a schedule":   {step.Ends(ended), `{}`},
		"an end":       {step.Ends(ended), `{}`},
		"nobody's end": {step.Ends(ended), `{}`},
		"the API": {step.API(func(_ context.Context, _ step.Env, q events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
			return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusAccepted, Body: q.RawPath}, nil
		}), `{"statusCode":202,"headers":null,"multiValueHeaders":null,"body":"/signups","cookies":null}`},
	}
	payloads := map[string]string{"a schedule": `{}`, "nobody's end": `{"source":"aws.scheduler","detail":"{}"}`,
		"an end": `{"source":"aws.states","detail":{"name":"op-1-provision-1","status":"FAILED"}}`,
		"a lead": `{"instanceId":"1","operationId":"op-1","epoch":7,"failure":{"Error":"Rejected","Cause":"{}"}}`, "the API": `{"rawPath":"/signups"}`}
	for name, c := range handlers {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				payload := payloads[name]
				if payload == "" {
					payload = goodInput
				}
				answer, log, err := r.invoke(c.h, payload)
				if err != nil || answer != c.answer {
					t.Errorf("gave %s, %v, want %s", answer, err, c.answer)
				}
				if !strings.Contains(log, `"msg":"done","function":"create-frontend","request":"request"`) {
					t.Errorf("log: %s", log)
				}
			})
		})
	}
	if slices.Sort(names); !slices.Equal(names, []string{"", "", "op-1-provision-1"}) {
		t.Errorf("ended: %q", names)
	}
}

// TestRunIsAsItWasAtTheBeginning: a step knows its name, its input and what it works on.
func TestRunIsAsItWasAtTheBeginning(t *testing.T) {
	inBubble(t, func(r *rig) {
		_, _, err := r.invoke(step.Func(func(_ context.Context, run *step.Run) error {
			if run.Name != "CreateFrontend" || run.Actor() != "step:CreateFrontend" || run.Input.Epoch != 1 || run.Instance.Slug != "acme" ||
				run.Operation.ID != operationID || run.Signup.InstanceID != instanceID {
				t.Errorf("the run: %+v", run)
			}
			return nil
		}), goodInput)
		if err != nil {
			t.Error(err)
		}
	})
}

// TestThrottledIsHeldBack: the vendor's wish to be left alone is honoured inside the invocation, as far as its time goes.
func TestThrottledIsHeldBack(t *testing.T) {
	for asked, took := range map[time.Duration]time.Duration{0: 0, 7 * time.Second: 7 * time.Second, time.Hour: bounds.Lambda - bounds.Margin} {
		inBubble(t, func(r *rig) {
			started := r.clock.Now()
			_, _, err := r.invoke(failing(&fault.Error{Code: fault.Throttled, Text: "rate limit", RetryAfter: asked}), goodInput)
			if got := refusal(t, err); got.Type != string(fault.Throttled) {
				t.Errorf("gave %+v", got)
			}
			if got := r.clock.Now().Sub(started); got != took {
				t.Errorf("asked for %s it took %s, want %s", asked, got, took)
			}
		})
	}
}

// TestJoin: of several errors the first that trying again helps on counts, or else the first.
func TestJoin(t *testing.T) {
	rejected, notReady, throttled := fault.New(fault.Rejected, "a"), fault.New(fault.NotReady, "b"), fault.New(fault.Throttled, "c")
	for _, c := range []struct {
		errs []error
		want error
	}{{nil, nil}, {[]error{nil, nil}, nil}, {[]error{nil, rejected, nil}, rejected}, {[]error{rejected, notReady, throttled}, notReady}, {[]error{errDead, rejected}, errDead}} {
		if got := step.Join(c.errs...); got != c.want { //nolint:errorlint // which of them it is counts
			t.Errorf("of %v it gives %v, want %v", c.errs, got, c.want)
		}
	}
}

// TestCauseTells: of what a Catch puts into the input only a Lambda's own message is told, and of that the beginning.
func TestCauseTells(t *testing.T) {
	long := strings.Repeat("x", 400)
	for cause, text := range map[string]string{
		``: "", `{`: "", `null`: "", `[]`: "", `{"errorType":"Rejected"}`: "", `{"errorMessage":7}`: "", "free text": "",
		`{"errorMessage":"vercel.CreateProject: refused (HTTP 403)","errorType":"Rejected"}`: "vercel.CreateProject: refused (HTTP 403)",
		`{"errorMessage":"` + long + `"}`: long[:300],
	} {
		if got := (step.Cause{Error: "Rejected", Cause: cause}).Text(); got != text {
			t.Errorf("of %s it tells %q, want %q", cause, got, text)
		}
	}
}

// FuzzInput: whatever a payload holds, the answer is an error by its name or the step has run on a whole input.
func FuzzInput(f *testing.F) {
	for _, seed := range []string{goodInput, `{}`, `null`, `[1]`, `{"epoch":1e99}`, `{"instanceId":{"a":1}}`, "\xff",
		`{"failure":{"Error":"Rejected","Cause":"{\"errorMessage\":\"refused\"}"}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		inBubble(t, func(r *rig) {
			for _, h := range []step.Handler{
				step.Func(func(_ context.Context, run *step.Run) error {
					if run.Input.InstanceID != instanceID || run.Input.OperationID != operationID || run.Input.Epoch != 1 {
						t.Errorf("ran on %+v", run.Input)
					}
					return nil
				}),
				step.Lead(func(_ context.Context, _ step.Env, _ fleet.RunInput, cause step.Cause) (any, error) {
					if text := cause.Text(); len(text) > 300 {
						t.Errorf("tells %d bytes", len(text))
					}
					return nil, nil
				}),
			} {
				_, _, err := r.invoke(h, payload)
				if err == nil {
					continue
				}
				if got := refusal(t, err); got.Type != string(fault.Internal) && got.Type != string(fault.StaleEpoch) {
					t.Errorf("gave %+v", got)
				}
			}
		})
	})
}
