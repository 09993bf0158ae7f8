package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// Write makes all parts or none, by TransactWriteItems. It fails with *table.ConditionError; with table.ErrLimit, also for
// an entry in an index that the table doesn't have; with ctx's error, when ctx was done before anything was sent; with
// table.ErrOutcomeUnknown when any try had no answer and no later one succeeded; otherwise nothing was written.
//
// Tries share a token, by which DynamoDB knows for 10 minutes that it has made the write already.
func (t *Table) Write(ctx context.Context, writes []table.Write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := table.Validate(writes); err != nil {
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String(rand.Text())}
	now := t.clock.Now()
	for _, w := range writes {
		for name := range w.Item.Index {
			if w.Op == table.Put && !slices.Contains(t.indexes, name) {
				return fmt.Errorf("%w: no index %q", table.ErrLimit, name)
			}
		}
		in.TransactItems = append(in.TransactItems, t.part(w, now))
	}
	unknown := false
	err := t.try(ctx, func(ctx context.Context) error {
		_, err := t.write(ctx, in, noRetry)
		unknown = unknown || err != nil && !answered(err)
		return err
	})
	switch {
	case err == nil:
		return nil
	case unknown: // a refusal afterwards proves nothing: it may be of what the lost one wrote
		return fmt.Errorf("%w: %w", table.ErrOutcomeUnknown, err)
	}
	return refused(err, writes)
}

// answered tells whether a failed call certainly changed nothing: it was refused, or never sent.
func answered(err error) bool {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return true
	}
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok {
		return false
	}
	status := answer.HTTPStatusCode() // 0 without an answer
	// A transaction that is in progress is an earlier try with the same token.
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout && !hasCode(err, "TransactionInProgressException")
}

// part is one part of the transaction.
func (t *Table) part(w table.Write, now time.Time) types.TransactWriteItem {
	expression, names, values := condition(w.If, now)
	switch w.Op {
	case table.Put:
		i := w.Item
		i.Version = w.If.Version + 1 // of an absent one 0
		return types.TransactWriteItem{Put: &types.Put{TableName: &t.name, Item: encode(i),
			ConditionExpression: &expression, ExpressionAttributeNames: names, ExpressionAttributeValues: values}}
	case table.Delete:
		return types.TransactWriteItem{Delete: &types.Delete{TableName: &t.name, Key: encodeKey(w.Item.Key),
			ConditionExpression: &expression, ExpressionAttributeNames: names, ExpressionAttributeValues: values}}
	default: // table.Validate knows no other
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: &t.name, Key: encodeKey(w.Item.Key),
			ConditionExpression: &expression, ExpressionAttributeNames: names, ExpressionAttributeValues: values}}
	}
}

// condition puts c into DynamoDB's words. A comparison with an attribute that isn't there is false.
func condition(c table.Condition, now time.Time) (expression string, names map[string]string, values attributes) {
	const live = " AND (attribute_not_exists(#expires) OR #expires > :now)"
	names = map[string]string{"#expires": expiresName}
	values = attributes{":now": number(now.Unix())}
	switch {
	case c.Absent:
		names["#pk"] = partitionName
		return "attribute_not_exists(#pk) OR #expires <= :now", names, values
	case c.Version != 0:
		names["#version"], values[":version"] = versionName, number(c.Version)
		return "#version = :version" + live, names, values
	}
	names["#attributes"], names["#name"], values[":value"] = attributesName, c.Attribute, text(c.Value)
	return "#attributes.#name = :value" + live, names, values
}

// refused translates DynamoDB's refusal. Which condition failed follows from what it was: there is one for each part.
func refused(err error, writes []table.Write) error {
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	switch {
	case ok && len(canceled.CancellationReasons) == len(writes):
	case hasCode(err, "TransactionConflictException"):
		return conflict(len(writes))
	case hasCode(err, "ValidationException"):
		// Everything else that is wrong with a write is found before it is sent, but sizes: DynamoDB counts names too.
		return fmt.Errorf("%w: DynamoDB refused the write", table.ErrLimit)
	default:
		return fmt.Errorf("write: %w", err)
	}
	reasons := make([]table.Reason, len(writes))
	for i, r := range canceled.CancellationReasons {
		switch code := aws.ToString(r.Code); code {
		case "None", "":
		case "ConditionalCheckFailed":
			reasons[i] = failing(writes[i].If)
		case "TransactionConflict":
			reasons[i] = table.Conflicting
		case "ValidationError":
			return fmt.Errorf("%w: DynamoDB refused part %d", table.ErrLimit, i)
		default: // throttled, again and again
			return fmt.Errorf("write: part %d: %s", i, code)
		}
	}
	return &table.ConditionError{Reasons: reasons}
}

func failing(c table.Condition) table.Reason {
	switch {
	case c.Absent:
		return table.Exists
	case c.Version != 0:
		return table.WrongVersion
	}
	return table.WrongAttribute
}

func conflict(n int) error {
	return &table.ConditionError{Reasons: slices.Repeat([]table.Reason{table.Conflicting}, n)}
}

func hasCode(err error, codes ...string) bool {
	e, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(codes, e.ErrorCode())
}
