package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// Get reads one item. It fails with table.ErrNotFound, or with table.ErrLimit for a key that no item can have.
func (t *Table) Get(ctx context.Context, key table.Key, consistent bool) (table.Item, error) {
	if err := ctx.Err(); err != nil {
		return table.Item{}, err
	}
	if err := key.Validate(); err != nil {
		return table.Item{}, err
	}
	var out *dynamodb.GetItemOutput
	err := t.try(ctx, func(ctx context.Context) (err error) {
		out, err = t.get(ctx, &dynamodb.GetItemInput{TableName: &t.name, Key: encodeKey(key), ConsistentRead: &consistent}, noRetry)
		return err
	})
	if err != nil {
		return table.Item{}, fmt.Errorf("get: %w", err)
	}
	if len(out.Item) == 0 {
		return table.Item{}, table.ErrNotFound
	}
	item, err := decode(out.Item, t.indexes)
	if err == nil && expired(item, t.clock.Now()) {
		err = table.ErrNotFound
	}
	if err != nil {
		return table.Item{}, err
	}
	return item, nil
}

// errLong: the query's text is longer than any key. DynamoDB refuses it.
var errLong = errors.New("query: text that is longer than any key")

// Query reads a page. Items that share a place in an index come in DynamoDB's order. There may be a cursor where no further
// item is.
func (t *Table) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := ctx.Err(); err != nil {
		return table.Page{}, err
	}
	if err := q.Validate(); err != nil {
		return table.Page{}, err
	}
	switch {
	case q.Index != "" && !slices.Contains(t.indexes, q.Index):
		return table.Page{}, fmt.Errorf("query: no index %q", q.Index)
	case len(q.Partition) > table.MaxPartition || max(len(q.Prefix), len(q.From), len(q.To)) > table.MaxSort:
		return table.Page{}, errLong
	}
	start, err := t.position(q)
	if err != nil {
		return table.Page{}, err
	}
	if q.To != "" && q.From > q.To { // which DynamoDB refuses
		return table.Page{}, nil
	}
	in := t.query(q)
	in.ExclusiveStartKey = start
	var out *dynamodb.QueryOutput
	err = t.try(ctx, func(ctx context.Context) (err error) {
		out, err = t.find(ctx, in, noRetry)
		return err
	})
	if err != nil {
		return table.Page{}, fmt.Errorf("query: %w", err)
	}
	return t.page(q, out)
}

// query puts q into DynamoDB's words.
func (t *Table) query(q table.Query) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{TableName: &t.name, ScanIndexForward: aws.Bool(!q.Descending), ConsistentRead: &q.Consistent}
	partition, sort := partitionName, sortName
	if q.Index != "" {
		in.IndexName = &q.Index
		partition, sort = indexNames(q.Index)
	}
	if q.Limit > 0 {
		in.Limit = aws.Int32(int32(min(q.Limit, 1<<20))) // a page holds fewer than that
	}
	expression := "#partition = :partition"
	values := attributes{":partition": text(q.Partition)}
	switch {
	case q.Prefix != "":
		expression += " AND begins_with(#sort, :prefix)"
		values[":prefix"] = text(q.Prefix)
	case q.From != "" && q.To != "":
		expression += " AND #sort BETWEEN :from AND :to"
		values[":from"], values[":to"] = text(q.From), text(q.To)
	case q.From != "":
		expression += " AND #sort >= :from"
		values[":from"] = text(q.From)
	case q.To != "":
		expression += " AND #sort <= :to"
		values[":to"] = text(q.To)
	}
	in.ExpressionAttributeNames = map[string]string{"#partition": partition}
	if len(values) > 1 {
		in.ExpressionAttributeNames["#sort"] = sort
	}
	in.KeyConditionExpression, in.ExpressionAttributeValues = &expression, values
	return in
}

// page gives the items that DynamoDB found and that aren't expired, up to the size of a page.
func (t *Table) page(q table.Query, out *dynamodb.QueryOutput) (table.Page, error) {
	var page table.Page
	now, size := t.clock.Now(), 0
	for n, found := range out.Items {
		item, err := decode(found, t.indexes)
		if err != nil {
			return table.Page{}, err
		}
		if size += item.Size(); size > table.MaxPage && n > 0 {
			page.Cursor, err = t.cursor(q, out.Items[n-1])
			return page, err
		}
		if !expired(item, now) {
			page.Items = append(page.Items, item)
		}
	}
	if len(out.LastEvaluatedKey) == 0 {
		return page, nil
	}
	var err error
	page.Cursor, err = t.cursor(q, out.LastEvaluatedKey)
	return page, err
}
