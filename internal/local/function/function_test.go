package function

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store/bolt"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/store/tabletest"
	"github.com/project-gimbal/fleet/internal/view"
)

// served is a runner with these ports, as a process sees it.
func served(t *testing.T, p Ports) runner {
	t.Helper()
	server := httptest.NewServer(p.Serve(func(ctx context.Context) context.Context { return ctx }))
	t.Cleanup(server.Close)
	return runner{server.URL, &http.Transport{DisableCompression: true}}
}

func openTable(t *testing.T) table.Table {
	t.Helper()
	opened, err := bolt.Open(filepath.Join(t.TempDir(), "fleet.db"), clock.System(), tabletest.Indexes(), bolt.Options{Bucket: "fleet"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

// TestErrorsArrive: what steps tell errors by arrives with them, and nothing else of their causes.
func TestErrorsArrive(t *testing.T) {
	known := &fault.Error{Code: fault.Throttled, Text: "slow down", Vendor: "twilio", Operation: "Send", Status: 429, RetryAfter: time.Second, NothingHappened: true}
	for _, sent := range []error{table.ErrNotFound, table.ErrLimit, table.ErrOutcomeUnknown, context.DeadlineExceeded, context.Canceled,
		syscall.ECONNREFUSED, syscall.ECONNRESET, &table.ConditionError{Reasons: []table.Reason{table.Fine, table.WrongAttribute}},
		known, &net.DNSError{Err: "no such host", Name: "acme.gimbal.app", IsNotFound: true}, errors.New("else")} {
		got := refused(fmt.Errorf("by the way: %w", sent)).err()
		var condition *table.ConditionError
		var f *fault.Error
		var unresolved *net.DNSError
		switch {
		case got == nil:
			t.Errorf("%v is lost", sent)
		case errors.As(sent, &condition) && !reflect.DeepEqual(got, sent), errors.As(sent, &f) && !reflect.DeepEqual(got, sent):
			t.Errorf("%#v arrives as %#v", sent, got)
		case errors.As(sent, &unresolved):
			if at, ok := errors.AsType[*net.DNSError](got); !ok || !at.IsNotFound || at.Name != unresolved.Name {
				t.Errorf("%v arrives as %v", sent, got)
			}
		case condition == nil && f == nil && sent.Error() != "else" && !errors.Is(got, sent):
			t.Errorf("%v arrives as %v", sent, got)
		case sent.Error() == "else" && !strings.Contains(got.Error(), "else"):
			t.Errorf("%v arrives as %v", sent, got)
		}
	}
	if refused(nil).err() != nil {
		t.Error("no error arrives as one")
	}
	caused := *known
	caused.Err = errors.New("a vendor's own words")
	if got := refused(&caused); got.Fault.Err != nil || caused.Err == nil {
		t.Errorf("the cause goes along: %+v", got)
	}
}

// TestTableAtADistance: a process's table is as good as any other.
func TestTableAtADistance(t *testing.T) {
	tabletest.Run(t, func(t *testing.T) table.Table { return remoteTable{served(t, Ports{Fleet: openTable(t)}), "/fleet"} })
}

func TestKeyAtADistance(t *testing.T) {
	key, err := seal.MemoryKey()
	if err != nil {
		t.Fatal(err)
	}
	r := served(t, Ports{Keys: openTable(t), KeyEncryptionKey: key})
	there := seal.New(remoteTable{r, "/keys"}, remoteKey{r})
	if err := there.Mint(t.Context(), "i-1"); err != nil {
		t.Fatal(err)
	}
	sealed, err := there.Seal(t.Context(), "i-1", "secret/x", []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	again := seal.New(remoteTable{r, "/keys"}, remoteKey{r}) // another process
	if plain, err := again.Open(t.Context(), "i-1", "secret/x", sealed); err != nil || string(plain) != "plain" {
		t.Errorf("got %q, %v", plain, err)
	}
}

// network is what the runner sends calls on to.
type network func(*http.Request) (*http.Response, error)

func (n network) RoundTrip(r *http.Request) (*http.Response, error) { return n(r) }

func TestVendorsCall(t *testing.T) {
	var got *http.Request
	var body []byte
	r := served(t, Ports{Network: network(func(r *http.Request) (*http.Response, error) {
		got = r
		body, _ = io.ReadAll(r.Body)
		answer := httptest.NewRecorder()
		answer.Header()["X-Vendor"] = []string{"a", "b"}
		answer.WriteHeader(http.StatusTeapot)
		_, _ = answer.WriteString("tea")
		return answer.Result(), nil
	})})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://api.vendor.test/a%2Fb?q=1", strings.NewReader("question"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer token")
	answer, err := through{r}.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || string(text) != "tea" || answer.StatusCode != http.StatusTeapot || !cmp.Equal(answer.Header["X-Vendor"], []string{"a", "b"}) || answer.Request != request {
		t.Errorf("got %+v %q, %v", answer, text, err)
	}
	if got.URL.String() != "http://api.vendor.test/a%2Fb?q=1" || got.Host != "api.vendor.test" || got.Method != http.MethodPut || string(body) != "question" ||
		got.Header.Get("Authorization") != "Bearer token" || got.Header.Get(targetHeader) != "" || got.ContentLength != 8 {
		t.Errorf("sent %+v %q", got, body)
	}
}

func TestVendorsSilence(t *testing.T) {
	for _, failure := range []syscall.Errno{syscall.ECONNREFUSED, syscall.ECONNRESET} {
		r := served(t, Ports{Network: network(func(*http.Request) (*http.Response, error) { return nil, &net.OpError{Op: "dial", Err: failure} })})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://api.vendor.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (through{r}).RoundTrip(request); !errors.Is(err, failure) {
			t.Errorf("%v arrives as %v", failure, err)
		}
	}
}

// TestVendorsAnswerBreaksOff: half of an answer isn't taken for a whole one, whether its length was told or not.
func TestVendorsAnswerBreaksOff(t *testing.T) {
	for _, length := range []int64{-1, 8} {
		r := served(t, Ports{Network: network(func(*http.Request) (*http.Response, error) {
			answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(syscall.ECONNRESET)))}
			if length >= 0 {
				answer.Header.Set("Content-Length", fmt.Sprint(length))
			}
			return answer, nil
		})})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://api.vendor.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := through{r}.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(answer.Body); err == nil || string(text) != "half" {
			t.Errorf("of %d bytes: %q, %v", length, text, err)
		}
	}
}

// echo is a connection whose other side says "you said " and the line it is told.
func echo() net.Conn {
	near, far := net.Pipe()
	go func() {
		line := make([]byte, 64)
		n, _ := far.Read(line)
		_, _ = fmt.Fprintf(far, "you said %s", line[:n])
		_ = far.Close()
	}()
	return near
}

func TestDial(t *testing.T) {
	var control, asked []string
	edge := provider.Edge{
		Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			if address != "acme.gimbal.app:443" {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}}
			}
			return echo(), nil
		},
		Outside: func(_ context.Context, network, address string, allowed func(network, address string) error) (net.Conn, error) {
			asked = append(asked, address)
			err := allowed(network+"4", "10.0.0.1:443")
			if err == nil {
				return nil, errors.New("it was to be refused")
			}
			if strings.HasPrefix(address, "inner") {
				return nil, err
			}
			return echo(), allowed(network+"4", "93.184.215.14:443")
		}}
	r := served(t, Ports{Endpoints: provider.Endpoints{Edge: edge}})
	errInner := errors.New("not a public address")
	allow := func(network, address string) error {
		control = append(control, network+" "+address)
		if strings.HasPrefix(address, "10.") {
			return errInner
		}
		return nil
	}
	for _, c := range []struct {
		address string
		control func(network, address string) error
	}{{"acme.gimbal.app:443", nil}, {"site.example:443", allow}} {
		conn, err := r.dial(t.Context(), c.address, c.control)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte("hello"))
		if text, err := io.ReadAll(conn); err != nil || string(text) != "you said hello" {
			t.Errorf("%s: %q, %v", c.address, text, err)
		}
		_ = conn.Close()
	}
	if want := []string{"tcp4 10.0.0.1:443", "tcp4 93.184.215.14:443"}; !cmp.Equal(control, want) || !cmp.Equal(asked, []string{"site.example:443"}) {
		t.Errorf("asked about %q for %q", control, asked)
	}
	if _, err := r.dial(t.Context(), "inner.example:443", allow); !errors.Is(err, errInner) {
		t.Errorf("an inner address: %v", err)
	}
	unresolved, ok := errors.AsType[*net.DNSError](func() error { _, err := r.dial(t.Context(), "none.gimbal.app:443", nil); return err }())
	if !ok || !unresolved.IsNotFound {
		t.Errorf("no such host: %v", unresolved)
	}
}

// TestDialEndsWithItsContext: on both sides.
func TestDialEndsWithItsContext(t *testing.T) {
	ended := make(chan struct{}, 1)
	hangs := func(ctx context.Context) (net.Conn, error) {
		<-ctx.Done()
		ended <- struct{}{}
		return nil, ctx.Err()
	}
	r := served(t, Ports{Endpoints: provider.Endpoints{Edge: provider.Edge{
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return hangs(ctx) },
		Outside: func(ctx context.Context, network, address string, allowed func(network, address string) error) (net.Conn, error) {
			if err := allowed(network, address); err != nil {
				t.Error(err)
			}
			return hangs(ctx)
		}}}})
	for _, control := range []func(network, address string) error{nil, func(string, string) error { return nil }} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		began := time.Now()
		if conn, err := r.dial(ctx, "acme.gimbal.app:443", control); err == nil || conn != nil || time.Since(began) > 5*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Error("the runner still dials")
		}
	}
}

// others are ports that say what they were asked.
type others struct{ said *bytes.Buffer }

func (o others) Start(_ context.Context, workflow, name string, input any) error {
	fmt.Fprintf(o.said, "start %s %s %s;", workflow, name, input)
	return &fault.Error{Code: fault.Unavailable, Text: "no"}
}

func (o others) Status(_ context.Context, workflow, name string) (step.Execution, error) {
	fmt.Fprintf(o.said, "status %s %s;", workflow, name)
	return step.Open, nil
}

func (others) Schedules(context.Context) ([]string, error) { return []string{"admit", "page"}, nil }

func (others) DeadLetters(context.Context) (int, error) { return 3, nil }

func (others) CredentialChanged(_ context.Context, name string) (time.Time, error) {
	return time.Unix(int64(len(name)), 0).UTC(), nil
}

func TestOtherPorts(t *testing.T) {
	var said bytes.Buffer
	at := time.Date(2030, 1, 2, 3, 4, 5, 6, time.UTC)
	r := served(t, Ports{Executions: others{&said}, Surroundings: others{},
		Trigger: func(_ context.Context, function string) error {
			fmt.Fprintf(&said, "trigger %s;", function)
			return nil
		},
		Publish: func(_ context.Context, subject, text string) error {
			fmt.Fprintf(&said, "publish %s %s;", subject, text)
			return nil
		},
		Secrets: func(_ context.Context, name string) (provider.Secret, error) {
			return provider.NewSecret("secret " + name), nil
		},
		Logs: func(_ context.Context, q step.LogQuery) ([]view.LogLine, error) {
			return []view.LogLine{{At: q.From, Source: q.InstanceID, Text: fmt.Sprint(q.Limit)}}, nil
		}})
	ctx := t.Context()
	e := remoteExecutions{r}
	if err := e.Start(ctx, "provision", "run-1", map[string]int{"epoch": 1}); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("start: %v", err)
	}
	status, err := e.Status(ctx, "provision", "run-1")
	if err != nil || status != step.Open {
		t.Errorf("status: %v, %v", status, err)
	}
	if err := errors.Join(r.trigger(ctx, "admit"), r.publish(ctx, "subject", "text")); err != nil {
		t.Error(err)
	}
	if want := `start provision run-1 {"epoch":1};status provision run-1;trigger admit;publish subject text;`; said.String() != want {
		t.Errorf("asked %s", said.String())
	}
	if secret, err := r.secret(ctx, "x"); err != nil || secret.Reveal() != "secret x" {
		t.Errorf("secret: %v, %v", secret.Reveal(), err)
	}
	if lines, err := r.logs(ctx, step.LogQuery{InstanceID: "i", From: at, Limit: 4}); err != nil || !cmp.Equal(lines, []view.LogLine{{At: at, Source: "i", Text: "4"}}) {
		t.Errorf("logs: %+v, %v", lines, err)
	}
	s := remoteSurroundings{r}
	schedules, err := s.Schedules(ctx)
	letters, errLetters := s.DeadLetters(ctx)
	changed, errChanged := s.CredentialChanged(ctx, "four")
	if errors.Join(err, errLetters, errChanged) != nil || len(schedules) != 2 || letters != 3 || changed.Unix() != 4 {
		t.Errorf("surroundings: %v, %d, %v", schedules, letters, changed)
	}
}
