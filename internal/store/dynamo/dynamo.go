// Package dynamo keeps a table.Table in DynamoDB.
//
// An item has these attributes; times are seconds since 1970:
//
//	pk, sk              its key
//	version             N
//	attributes          M of S, what conditions can be put on
//	<index>_pk, …_sk    its place in an index: a global secondary index of that name, sparse, which projects everything
//	body                B
//	expires             N; the table's time-to-live attribute
//
// DynamoDB removes expired items within days, so that they count as absent here, in reads as in conditions.
package dynamo

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/project-gimbal/fleet/internal/clock"
)

// Table is one table. It is safe for concurrent use.
//
// It holds operations of the client, not the client: that would keep every operation of DynamoDB in the executable as soon
// as anything there uses reflection as text/template does.
type Table struct {
	get     call[*dynamodb.GetItemInput, *dynamodb.GetItemOutput]
	find    call[*dynamodb.QueryInput, *dynamodb.QueryOutput]
	write   call[*dynamodb.TransactWriteItemsInput, *dynamodb.TransactWriteItemsOutput]
	clock   clock.Clock
	name    string
	indexes []string
}

type call[In, Out any] = func(context.Context, In, ...func(*dynamodb.Options)) (Out, error)

// New makes a table of the given name, which must exist, with these indexes. Items expire by c.
func New(client *dynamodb.Client, c clock.Clock, name string, indexes []string) *Table {
	return &Table{client.GetItem, client.Query, client.TransactWriteItems, c, name, slices.Clone(indexes)}
}

const (
	// tries is how often a call is made at most, where an earlier one failed in a way that passes.
	tries = 4
	// patience is how long one of them may take. DynamoDB answers within milliseconds, or not at all.
	patience = 5 * time.Second
	// pause is how long the second one waits, at most; each later one twice as long as that before it.
	pause = 50 * time.Millisecond
)

// try makes a call, again while it fails in a way that passes, and gives its last error. The SDK's own retries are off:
// they would not tell whether an earlier try had an answer, which a write must know.
func (t *Table) try(ctx context.Context, call func(ctx context.Context) error) error {
	for n := 0; ; n++ {
		err := t.once(ctx, call)
		if err == nil || n == tries-1 || ctx.Err() != nil || !passes(err) {
			return err
		}
		wait := time.Duration(rand.Int64N(int64(pause << n)))
		if t.clock.Sleep(ctx, wait) != nil {
			return err
		}
	}
}

func (t *Table) once(ctx context.Context, call func(ctx context.Context) error) error {
	ctx, cancel := t.clock.WithTimeout(ctx, patience)
	defer cancel()
	return call(ctx)
}

// passes tells whether the same call may succeed a moment later.
func passes(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || throttled(err) || hasCode(err, "TransactionInProgressException") ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// throttled tells whether a transaction was cancelled for the rate of requests. That of one part may be exceeded while
// nothing is wrong with the others; where a condition failed as well, trying again would not help.
func throttled(err error) bool {
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return false
	}
	found := false
	for _, r := range canceled.CancellationReasons {
		switch aws.ToString(r.Code) {
		case "ThrottlingError", "ProvisionedThroughputExceeded":
			found = true
		case "ConditionalCheckFailed", "ValidationError":
			return false
		}
	}
	return found
}

func noRetry(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }
