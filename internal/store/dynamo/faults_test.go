package dynamo_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/store/dynamo"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// answer is what the scripted DynamoDB does with one request.
type answer struct {
	status int
	body   string
	err    error // no answer: this comes from the connection
	hangs  bool  // no answer, ever
}

func ok(body string) answer { return answer{status: 200, body: body} }

func refusal(kind, rest string) answer {
	return answer{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#` + kind + `"` + rest + `}`}
}

func canceled(codes ...string) answer {
	var reasons []map[string]string
	for _, c := range codes {
		reasons = append(reasons, map[string]string{"Code": c})
	}
	text, _ := json.Marshal(reasons) // of strings
	return refusal("TransactionCanceledException", `,"Message":"Transaction cancelled","CancellationReasons":`+string(text))
}

var (
	lost     = answer{err: errors.New("connection reset")}
	hanging  = answer{hangs: true}
	broken   = answer{status: 500, body: `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}`}
	gateway  = answer{status: 502, body: "<html>bad gateway</html>"}
	refusing = answer{err: syscall.ECONNREFUSED}
)

// script is DynamoDB by an http.RoundTripper: it answers the requests one after the other and keeps their bodies.
type script struct {
	mu      sync.Mutex
	answers []answer
	sent    []string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.sent = append(s.sent, string(body))
	a := s.answers[min(len(s.sent), len(s.answers))-1] // the last one for all that follow
	s.mu.Unlock()
	if a.hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func scripted(s *script) *dynamo.Table {
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", HTTPClient: &http.Client{Transport: s},
		Credentials: credentials.NewStaticCredentialsProvider("fleettest", "fleettest", "")})
	return dynamo.New(client, clock.System(), "fleet", []string{"due"})
}

// TestWriteAnswers: what DynamoDB answers, and what it doesn't, becomes the seam's errors.
func TestWriteAnswers(t *testing.T) {
	reasons := func(r ...table.Reason) error { return &table.ConditionError{Reasons: r} }
	plain := errors.New("an error of no kind")
	for name, c := range map[string]struct {
		answers []answer
		want    error // nil, a *table.ConditionError, one of the table's errors, or plain
		sent    int
	}{
		"made":                     {[]answer{ok("{}")}, nil, 1},
		"lost, then made":          {[]answer{lost, ok("{}")}, nil, 2},
		"hangs, then made":         {[]answer{hanging, ok("{}")}, nil, 2},
		"fails, then made":         {[]answer{broken, gateway, ok("{}")}, nil, 3},
		"always lost":              {[]answer{lost}, table.ErrOutcomeUnknown, 4},
		"always hangs":             {[]answer{hanging}, table.ErrOutcomeUnknown, 4},
		"always fails":             {[]answer{broken}, table.ErrOutcomeUnknown, 4},
		"lost, then refused":       {[]answer{lost, canceled("ConditionalCheckFailed", "None", "None")}, table.ErrOutcomeUnknown, 2},
		"fails, then throttled":    {[]answer{gateway, refusal("ThrottlingException", "")}, table.ErrOutcomeUnknown, 4},
		"an earlier try goes on":   {[]answer{lost, refusal("TransactionInProgressException", ""), ok("{}")}, nil, 3},
		"refused":                  {[]answer{canceled("ConditionalCheckFailed", "ConditionalCheckFailed", "ConditionalCheckFailed")}, reasons(table.Exists, table.WrongVersion, table.WrongAttribute), 1},
		"refused in one part":      {[]answer{canceled("None", "None", "ConditionalCheckFailed")}, reasons("", "", table.WrongAttribute), 1},
		"conflict":                 {[]answer{canceled("None", "TransactionConflict", "None")}, reasons("", table.Conflicting, ""), 1},
		"conflict with a write":    {[]answer{refusal("TransactionConflictException", "")}, reasons(table.Conflicting, table.Conflicting, table.Conflicting), 1},
		"throttled, then made":     {[]answer{refusal("ThrottlingException", ""), canceled("ThrottlingError", "None", "TransactionConflict"), ok("{}")}, nil, 3},
		"always throttled":         {[]answer{refusal("ProvisionedThroughputExceededException", "")}, plain, 4},
		"throttled and refused":    {[]answer{canceled("ThrottlingError", "ConditionalCheckFailed", "None")}, plain, 1},
		"too large":                {[]answer{refusal("ValidationException", "")}, table.ErrLimit, 1},
		"too large in one part":    {[]answer{canceled("None", "ValidationError", "None")}, table.ErrLimit, 1},
		"forbidden":                {[]answer{refusal("AccessDeniedException", "")}, plain, 1},
		"nobody there":             {[]answer{refusing}, plain, 4},
		"nobody there, then there": {[]answer{refusing, ok("{}")}, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: c.answers}
				err := scripted(s).Write(t.Context(), three())
				judge(t, err, c.want, plain)
				if len(s.sent) != c.sent {
					t.Errorf("%d requests, want %d", len(s.sent), c.sent)
				}
				for _, again := range s.sent[1:] {
					if diff := cmp.Diff(decoded(t, s.sent[0]), decoded(t, again)); diff != "" {
						t.Errorf("a later try is another request (-first +later):\n%s", diff)
					}
				}
			})
		})
	}
}

func decoded(t *testing.T, body string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func three() []table.Write {
	key := func(sort string) table.Item { return table.Item{Key: table.Key{Partition: "p", Sort: sort}} }
	return []table.Write{
		{Op: table.Put, Item: key("a"), If: table.Condition{Absent: true}},
		{Op: table.Delete, Item: key("b"), If: table.Condition{Version: 3}},
		{Op: table.Check, Item: key("c"), If: table.Condition{Attribute: "epoch", Value: "1"}},
	}
}

func judge(t *testing.T, err, want, plain error) {
	t.Helper()
	refused, isRefused := errors.AsType[*table.ConditionError](err)
	wanted, wantRefused := errors.AsType[*table.ConditionError](want)
	switch {
	case want == nil:
		if err != nil {
			t.Errorf("got %v", err)
		}
	case wantRefused:
		if !isRefused || !slices.Equal(refused.Reasons, wanted.Reasons) {
			t.Errorf("got %v, want %v", err, want)
		}
	case want == plain:
		if err == nil || isRefused || errors.Is(err, table.ErrOutcomeUnknown) || errors.Is(err, table.ErrLimit) {
			t.Errorf("got %v, want one of no kind", err)
		}
	case !errors.Is(err, want):
		t.Errorf("got %v, want %v", err, want)
	}
}

// TestTokens: two writes of the same parts aren't the same write.
func TestTokens(t *testing.T) {
	s := &script{answers: []answer{ok("{}")}}
	tbl := scripted(s)
	for range 2 {
		if err := tbl.Write(t.Context(), three()); err != nil {
			t.Fatal(err)
		}
	}
	var tokens []string
	for _, body := range s.sent {
		var in struct{ ClientRequestToken string }
		if err := json.Unmarshal([]byte(body), &in); err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, in.ClientRequestToken)
	}
	if tokens[0] == "" || len(tokens[0]) > 36 || tokens[0] == tokens[1] {
		t.Errorf("tokens %q, want two of 1 to 36 characters", tokens)
	}
}

// TestCanceledWhileWriting: a write that its caller gave up may have been made; one that wasn't sent has not.
func TestCanceledWhileWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := &script{answers: []answer{hanging}}
		err := scripted(s).Write(ctx, three())
		if !errors.Is(err, table.ErrOutcomeUnknown) || len(s.sent) != 1 {
			t.Errorf("after %d requests: %v", len(s.sent), err)
		}
		if err := scripted(s).Write(ctx, three()); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, table.ErrOutcomeUnknown) {
			t.Errorf("not sent: got %v", err)
		}
	})
}

// TestReadsAreTriedAgain, each within its own time.
func TestReadsAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const item = `{"pk":{"S":"p"},"sk":{"S":"a"},"version":{"N":"7"}}`
		tbl := scripted(&script{answers: []answer{hanging, broken, lost, ok(`{"Item":` + item + `}`)}})
		got, err := tbl.Get(t.Context(), table.Key{Partition: "p", Sort: "a"}, true)
		if err != nil || got.Version != 7 {
			t.Errorf("got version %d, %v", got.Version, err)
		}
		tbl = scripted(&script{answers: []answer{gateway, ok(`{"Items":[` + item + `],"Count":1,"ScannedCount":1}`)}})
		page, err := tbl.Query(t.Context(), table.Query{Partition: "p"})
		if err != nil || len(page.Items) != 1 || page.Cursor != "" {
			t.Errorf("got %+v, %v", page, err)
		}
		begin := time.Now()
		if _, err := scripted(&script{answers: []answer{hanging}}).Get(t.Context(), table.Key{Partition: "p", Sort: "a"}, true); err == nil {
			t.Error("got an item from nobody")
		}
		if took := time.Since(begin); took > 25*time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}

// TestForeignItems: what somebody else put into the table isn't taken for a record.
func TestForeignItems(t *testing.T) {
	for _, item := range []string{
		`{"pk":{"S":"p"},"sk":{"S":"a"}}`,
		`{"pk":{"S":"p"},"sk":{"S":"a"},"version":{"N":"0"}}`,
		`{"pk":{"S":"p"},"sk":{"S":"a"},"version":{"S":"1"}}`,
		`{"pk":{"S":"p"},"sk":{"S":"a"},"version":{"N":"1"},"attributes":{"M":{"epoch":{"N":"1"}}}}`,
		`{"pk":{"S":"p"},"sk":{"S":"a"},"version":{"N":"1"},"due_pk":{"S":"x"}}`,
		`{"pk":{"S":"p"},"sk":{"S":"a"},"version":{"N":"1"},"expires":{"N":"soon"}}`,
		`{"sk":{"S":"a"},"version":{"N":"1"}}`,
	} {
		s := &script{answers: []answer{ok(`{"Item":` + item + `}`)}}
		if got, err := scripted(s).Get(t.Context(), table.Key{Partition: "p", Sort: "a"}, true); err == nil || errors.Is(err, table.ErrNotFound) {
			t.Errorf("%s: got %+v, %v", item, got, err)
		}
	}
}

// FuzzCursor: whatever a cursor says, a query doesn't leave its partition.
func FuzzCursor(f *testing.F) {
	s := &script{answers: []answer{ok(`{"Items":[{"pk":{"S":"p"},"sk":{"S":"a"},"version":{"N":"1"}}],"LastEvaluatedKey":{"pk":{"S":"p"},"sk":{"S":"a"}}}`)}}
	q := table.Query{Partition: "p", Prefix: "a", Limit: 1}
	page, err := scripted(s).Query(f.Context(), q)
	if err != nil || page.Cursor == "" {
		f.Fatalf("cursor %q, %v", page.Cursor, err)
	}
	f.Add(page.Cursor)
	f.Add(page.Cursor[:len(page.Cursor)/2])
	f.Add("")
	f.Fuzz(func(t *testing.T, cursor string) {
		s := &script{answers: []answer{ok(`{"Items":[]}`)}}
		q.Cursor = cursor
		if _, err := scripted(s).Query(t.Context(), q); err != nil {
			if len(s.sent) > 0 {
				t.Errorf("%q was sent: %v", cursor, err)
			}
			return
		}
		var in struct {
			ExclusiveStartKey struct{ PK, SK struct{ S string } }
		}
		if err := json.Unmarshal([]byte(s.sent[0]), &in); err != nil {
			t.Fatal(err)
		}
		if at := in.ExclusiveStartKey; cursor != "" && (at.PK.S != "p" || !strings.HasPrefix(at.SK.S, "a")) {
			t.Errorf("%q continues at %+v", cursor, at)
		}
	})
}
