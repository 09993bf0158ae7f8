package portal

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
)

// workflow has one of everything: a Parallel, a Map, what is caught and what is tried again.
const workflow = `{"StartAt":"Prepare","States":{
"Prepare":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"flaky","Payload.$":"$"},"ResultPath":null,
	"Retry":[{"ErrorEquals":["NotReady"],"IntervalSeconds":1,"MaxAttempts":3}],"Next":"Both"},
"Both":{"Type":"Parallel","ResultPath":null,"Next":"Each","Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":null,"Next":"GiveUp"}],"Branches":[
	{"StartAt":"Left","States":{"Left":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"slow","Payload.$":"$"},"End":true}}},
	{"StartAt":"Right","States":{"Right":{"Type":"Pass","Next":"RightToo"},"RightToo":{"Type":"Pass","End":true}}}]},
"Each":{"Type":"Map","ItemsPath":"$.items","ItemProcessor":{"StartAt":"One","States":{"One":{"Type":"Pass","End":true}}},"End":true},
"GiveUp":{"Type":"Fail","Error":"GivenUp","Cause":"no more"}}}`

// lambdas answer the workflow: "flaky" fails at first, "slow" waits until it is let go, and fails where it is sent something.
type lambdas struct{ let chan struct{} }

func (l lambdas) Invoke(ctx context.Context, function string, _ json.RawMessage) (json.RawMessage, error) {
	place, _ := asl.PlaceOf(ctx)
	if function == "flaky" && place.Attempt == 0 {
		return nil, &asl.TaskError{Type: "NotReady", Message: "in a moment"}
	}
	if function == "slow" {
		if _, fails := <-l.let; fails {
			return nil, &asl.TaskError{Type: "Broken", Message: "for ever"}
		}
	}
	return json.RawMessage(`{"by":"` + function + `"}`), nil
}

// played is a portal before an execution of the workflow.
type played struct {
	*rig
	portal  *Portal
	in      func(*http.Request)
	service *asl.Service
	feed    *Feed
	let     chan struct{}
	run     asl.Execution
}

const played1 = "/console/executions/main/one"

// play begins the workflow.
func play(t *testing.T) played {
	t.Helper()
	p := played{rig: newRig(t), feed: NewFeed(), let: make(chan struct{})}
	machine, err := asl.Parse([]byte(workflow), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := clock.Scaled(now, 50)
	p.service, err = asl.NewService(asl.Options{Clock: c, Invoker: lambdas{p.let}, Machines: map[string]*asl.Machine{"main": machine},
		OnEvent: func(o asl.Observation) { p.feed.Changed(o.ARN) }})
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(http.HandlerFunc(p.answer))
	t.Cleanup(api.Close)
	p.portal, err = New(Options{API: api.URL, WebhookSecret: secret, Domain: "gimbal.app", Clock: c, Speed: 50, Executions: p.service, Feed: p.feed,
		Graphs: map[string]asl.Graph{"main": machine.Graph()}, Source: func(function string) (Source, bool) {
			return Source{File: "internal/steps/" + function + ".go", Line: 2, Text: "package x\nfunc X() {}\n"}, function == "slow"
		}})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(p.portal.Handler(http.NotFoundHandler()))
	t.Cleanup(front.Close)
	p.base = front.URL
	if p.run, err = p.service.StartExecution("main", "one", json.RawMessage(`{"instanceId":"`+acme+`","items":[1,2,3]}`)); err != nil {
		t.Fatal(err)
	}
	p.in = p.signedIn()
	return p
}

func (p played) ends(t *testing.T) {
	t.Helper()
	close(p.let)
	if x, err := p.service.Await(t.Context(), p.run.ARN); err != nil || x.Status != asl.Succeeded {
		t.Fatalf("%+v: %v", x, err)
	}
}

// words are a page's text from where something stands.
func words(p page, from string) string {
	_, rest, _ := strings.Cut(p.text, from)
	return strings.Join(strings.Fields(regexp.MustCompile(`(?s)<[^>]*>|\s+`).ReplaceAllString(rest, " ")), " ")
}

// TestExecutionAsGraph: every state is a link in the definition's order, with how it went, and every way between two is drawn.
func TestExecutionAsGraph(t *testing.T) {
	p := play(t)
	p.ends(t)
	shown := p.do("GET", played1, nil, p.in)
	var order []string
	for _, m := range regexp.MustCompile(`<a class="node((?: [a-z]+)*)" href="/console/executions/main/one\?state=(\w+)#state"`).FindAllStringSubmatch(shown.text, -1) {
		order = append(order, m[2]+m[1])
	}
	if want := []string{"Prepare good", "Both frame good", "Left good", "Right good", "RightToo good", "Each frame good", "One good", "GiveUp"}; !slices.Equal(order, want) {
		t.Errorf("%q", order)
	}
	wantWays(t, shown, "Both>GiveUp catch", "Prepare>Both taken", "Both>Each taken", "Right>RightToo taken")
	for _, want := range []string{", try 2", "3×, ", "not reached", "SUCCEEDED"} {
		if !strings.Contains(shown.text, want) {
			t.Errorf("%q is not in %s", want, shown.text)
		}
	}
	if strings.Contains(shown.text, "data-events") || strings.Contains(shown.text, "data-refresh") {
		t.Error("what has ended is followed")
	}
	history := words(shown, `id="history"`)
	for _, want := range []string{"ExecutionStarted", "Prepare TaskFailed NotReady: in a moment", "Both ParallelStateExited", "RightToo PassStateExited", "Each MapStateExited", "ExecutionSucceeded"} {
		if !strings.Contains(history, want) {
			t.Errorf("%q is not in %q", want, history)
		}
	}
}

// wantWays judges which ways are drawn, in which order, and how.
func wantWays(t *testing.T, shown page, want ...string) {
	t.Helper()
	var ways []string
	for _, m := range regexp.MustCompile(`<path class="edge((?: [a-z]+)*)" data-from="(\w+)" data-to="(\w+)" d="M[^"]+" marker-start="url\(#(arrow[a-z-]*)\)"`).FindAllStringSubmatch(shown.text, -1) {
		ways = append(ways, m[2]+">"+m[3]+m[1])
		if head := map[string]string{"": "arrow", " catch": "arrow", " taken": "arrow-taken", " catch taken caught": "arrow-caught", " taken caught": "arrow-caught"}[m[1]]; m[4] != head {
			t.Errorf("%s>%s%s has the head %s", m[2], m[3], m[1], m[4])
		}
	}
	if !slices.Equal(ways, want) {
		t.Errorf("%q, want %q", ways, want)
	}
}

// TestWaysTaken: only those that the execution went are marked, that of an error as well.
func TestWaysTaken(t *testing.T) {
	p := play(t)
	wantTaken := func(want ...string) {
		t.Helper()
		wantWays(t, p.do("GET", played1, nil, p.in), want...)
	}
	events, _ := p.followed(t)
	until(t, events, `{"from":"Right","to":"RightToo","caught":false}`)
	wantTaken("Both>Each", "Both>GiveUp catch", "Prepare>Both taken", "Right>RightToo taken")
	p.let <- struct{}{}
	until(t, events, `"ways":[{"from":"Both","to":"GiveUp","caught":true}`)
	until(t, events, "event: over")
	wantTaken("Both>Each", "Prepare>Both taken", "Both>GiveUp catch taken caught", "Right>RightToo taken")
}

// TestWayOfErrorAndSuccess: a way that an error took is told from success, where both lead to the same state.
func TestWayOfErrorAndSuccess(t *testing.T) {
	events := []asl.Event{{ID: 1, StateEntered: &asl.StateEnteredDetails{Name: "Remove"}}, {ID: 2, PreviousEventID: 1, StateExited: &asl.StateExitedDetails{Name: "Remove"}},
		{ID: 3, PreviousEventID: 2, StateEntered: &asl.StateEnteredDetails{Name: "Removed"}}}
	for _, failed := range []bool{false, true} {
		visit := asl.Visit{ID: 1, State: "Remove", Attempts: 2, Errors: []string{"Once"}, Outcome: asl.VisitExited}
		if failed {
			visit.Errors = append(visit.Errors, "Again")
		}
		d := drawing{visits: map[string][]asl.Visit{"Remove": {visit}}, history: newHistory(events)}
		lines := d.lines([]edge{{From: "Remove", To: "Removed"}, {From: "Removed", To: "Done"}})
		if last := lines[1]; lines[0].Taken || lines[0].Caught || last.To != "Removed" || !last.Taken || last.Caught != failed {
			t.Errorf("failed %t: %+v", failed, lines)
		}
	}
}

// TestWayInALoop: a way is as the visit took it that took it last, whatever the state's later visits do; and it is told again once it is otherwise.
func TestWayInALoop(t *testing.T) {
	var events []asl.Event
	add := func(e asl.Event) {
		e.ID, e.PreviousEventID = int64(len(events)+1), int64(len(events))
		events = append(events, e)
	}
	for _, name := range []string{"Try", "Rest", "Try", "Rest", "Try", "Done"} {
		add(asl.Event{StateEntered: &asl.StateEnteredDetails{Name: name}})
		add(asl.Event{StateExited: &asl.StateExitedDetails{Name: name}})
	}
	fails := asl.Visit{ID: 1, State: "Try", Attempts: 1, Errors: []string{"No"}, Outcome: asl.VisitExited}
	works, again, open := fails, fails, fails
	works.Errors, again.ID = nil, 5
	open.ID, open.Errors, open.Outcome = 5, nil, ""
	edges := []edge{{From: "Try", To: "Rest"}, {From: "Try", To: "Done"}}
	before := toldBefore{map[string]told{}, map[[2]string]bool{}}
	for i, c := range []struct {
		events int
		visits []asl.Visit
		taken  []bool // by an error
		news   []way
	}{
		{3, []asl.Visit{fails}, []bool{true}, []way{{"Try", "Rest", true}}},
		{5, []asl.Visit{fails, open}, []bool{true}, nil},
		{7, []asl.Visit{works, again}, []bool{true}, nil},
		{7, []asl.Visit{fails, {ID: 5, State: "Try", Attempts: 1, Outcome: asl.VisitExited}}, []bool{false}, []way{{"Try", "Rest", false}}},
		{11, []asl.Visit{fails, again, {ID: 9, State: "Try", Attempts: 1, Outcome: asl.VisitExited}}, []bool{true, false}, []way{{"Try", "Rest", true}, {"Try", "Done", false}}},
	} {
		d := drawing{visits: map[string][]asl.Visit{"Try": c.visits}, history: newHistory(events[:c.events])}
		var taken []bool
		lines := d.lines(edges)
		for _, l := range lines {
			if l.Taken {
				taken = append(taken, l.Caught)
			}
		}
		if news := before.news(lines); !slices.Equal(taken, c.taken) || !slices.Equal(news, c.news) {
			t.Errorf("%d: taken %v, told %v", i, taken, news)
		}
	}
}

// TestState: input, output, attempts, errors, calls and source of the one that was chosen, of a frame and of iterations as well.
func TestState(t *testing.T) {
	p := play(t)
	p.feed.Called(p.run.ARN, "Left", Call{Vendor: "supabase", Operation: "CreateProject", Start: now, End: now.Add(time.Second), Status: 201, Attempt: 1})
	p.feed.Called(p.run.ARN, "Other", Call{Vendor: "vercel", Operation: "Elsewhere"})
	p.feed.Called("another", "Left", Call{Vendor: "vercel", Operation: "Elsewhere"})
	p.ends(t)
	for state, wanted := range map[string][]string{
		"Prepare": {"Defined at States.Prepare", "Attempts", "NotReady in a moment", "an answer", `Input { "instanceId": "` + acme + `", "items": [ 1,`, `Output { "instanceId"`},
		"Left":    {"Source internal/steps/slow.go:2", `"by": "slow"`, "supabase.CreateProject", "1.0 s 1 201"},
		"Both":    {"Type Parallel", `Input { "instanceId"`, `Output { "instanceId"`},
		"One":     {"Type Pass", "Input 1 Output 1", "Input 2 Output 2", "Input 3 Output 3"},
		"GiveUp":  {"It was not entered."},
	} {
		shown := p.do("GET", played1+"?state="+state, nil, p.in)
		text := strings.ReplaceAll(words(shown, `<section id="state"`), "&#34;", `"`)
		for _, want := range wanted {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in %q", state, want, text)
			}
		}
		if strings.Contains(text, "Elsewhere") || !strings.Contains(shown.text, `data-state="`+state+`" aria-current="true"`) {
			t.Errorf("%s: %s", state, shown.text)
		}
	}
	if shown := p.do("GET", "/console/source/slow", nil, p.in); !strings.Contains(shown.text, `<tr id="L2"><td class="number">2</td><td><code>func X() {}</code>`) {
		t.Error(shown.text)
	}
}

// followed reads a stream's events.
func (p played) followed(t *testing.T) (events *bufio.Scanner, end func()) {
	t.Helper()
	ctx, cancel := clock.System().WithTimeout(t.Context(), time.Minute)
	q, err := http.NewRequestWithContext(ctx, "GET", p.base+played1+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	p.in(q)
	answer, err := p.client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	end = func() {
		cancel()
		_ = answer.Body.Close()
	}
	t.Cleanup(end)
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("%d %s", answer.StatusCode, kind)
	}
	return bufio.NewScanner(answer.Body), end
}

// until reads a stream up to a line that has something.
func until(t *testing.T, events *bufio.Scanner, what string) {
	t.Helper()
	for events.Scan() {
		if strings.Contains(events.Text(), what) {
			return
		}
	}
	t.Fatalf("it ended before %q: %v", what, events.Err())
}

// TestStream: states are told as they change, and the end.
func TestStream(t *testing.T) {
	p := play(t)
	events, _ := p.followed(t)
	until(t, events, `"name":"GiveUp","tone":"","says":"to come"`)
	until(t, events, `"name":"Left","tone":"busy"`)
	close(p.let)
	until(t, events, `"name":"One","tone":"good","says":"3×, `)
	until(t, events, "event: over")
	for events.Scan() {
		if text := events.Text(); text != "" && text != "data: {}" {
			t.Errorf("after the end: %s", text)
		}
	}
}

// TestStreamGoesOn: who comes back after the stream broke, as browsers do by themselves, is told all that has happened meanwhile, and the end.
func TestStreamGoesOn(t *testing.T) {
	p := play(t)
	events, end := p.followed(t)
	until(t, events, "retry: 1000")
	until(t, events, "event: states")
	end()
	p.ends(t)
	events, _ = p.followed(t)
	until(t, events, "data: ")
	for _, want := range []string{`"status":"SUCCEEDED"`, `"name":"Left","tone":"good"`, `"name":"One","tone":"good"`, `{"from":"Both","to":"Each","caught":false}`, `{"from":"Right","to":"RightToo","caught":false}`} {
		if !strings.Contains(events.Text(), want) {
			t.Errorf("%s is not in %s", want, events.Text())
		}
	}
	until(t, events, "event: over")
}

// TestStreamsAreBounded: those over the limit are refused, an ended one makes room, and nobody else sees any.
func TestStreamsAreBounded(t *testing.T) {
	p := play(t)
	defer close(p.let)
	var ends []func()
	for range streamsAtOnce {
		events, end := p.followed(t)
		until(t, events, "event: states")
		ends = append(ends, end)
	}
	if refused := p.do("GET", played1+"/events", nil, p.in); refused.status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", refused.status, refused.text)
	}
	ends[0]()
	for len(p.portal.streams) == streamsAtOnce {
		time.Sleep(time.Millisecond)
	}
	p.followed(t)
	if stranger := p.do("GET", played1+"/events", nil, nil); stranger.where() != "/console/sign-in" {
		t.Errorf("%d %s", stranger.status, stranger.text)
	}
	if none := p.do("GET", "/console/executions/main/two/events", nil, p.in); none.status != http.StatusServiceUnavailable && none.status != http.StatusNotFound {
		t.Errorf("%d %s", none.status, none.text)
	}
}

// TestStreamEndsWithTheSession: who has signed out sees no more.
func TestStreamEndsWithTheSession(t *testing.T) {
	p := play(t)
	defer close(p.let)
	events, _ := p.followed(t)
	until(t, events, "event: states")
	p.do("POST", "/console/sign-out", nil, p.in)
	for events.Scan() {
		if strings.Contains(events.Text(), "over") {
			t.Error("the execution is not over")
		}
	}
	if err := events.Err(); err != nil {
		t.Error(err)
	}
	for len(p.portal.streams) > 0 {
		time.Sleep(time.Millisecond)
	}
}

// TestFeedForgets: it keeps the newest calls only, in order.
func TestFeedForgets(t *testing.T) {
	f := NewFeed()
	for i := range CallsKept + 3 {
		f.Called("a", "s", Call{Operation: fmt.Sprint(i)})
	}
	calls := f.of("a", "s")
	if len(calls) != CallsKept || calls[0].Operation != "3" || calls[CallsKept-1].Operation != fmt.Sprint(CallsKept+2) {
		t.Errorf("%d from %s", len(calls), calls[0].Operation)
	}
}
