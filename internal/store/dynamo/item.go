package dynamo

import (
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// Names of an item's attributes.
const (
	partitionName  = "pk"
	sortName       = "sk"
	versionName    = "version"
	attributesName = "attributes"
	bodyName       = "body"
	expiresName    = "expires"
)

// indexNames are the names of the two attributes that place an item in an index.
func indexNames(index string) (partition, sort string) { return index + "_pk", index + "_sk" }

// attributes are an item, or a key, as DynamoDB has them.
type attributes map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func encodeKey(k table.Key) attributes {
	return attributes{partitionName: text(k.Partition), sortName: text(k.Sort)}
}

func encode(i table.Item) attributes {
	a := encodeKey(i.Key)
	a[versionName] = number(i.Version)
	if len(i.Attributes) > 0 {
		values := attributes{}
		for name, value := range i.Attributes {
			values[name] = text(value)
		}
		a[attributesName] = &types.AttributeValueMemberM{Value: values}
	}
	for index, place := range i.Index {
		partition, sort := indexNames(index)
		a[partition], a[sort] = text(place.Partition), text(place.Sort)
	}
	if len(i.Body) > 0 {
		a[bodyName] = &types.AttributeValueMemberB{Value: i.Body}
	}
	if !i.Expires.IsZero() {
		a[expiresName] = number(i.Expires.Unix())
	}
	return a
}

// errForeign: the table holds an item that this package didn't write.
var errForeign = errors.New("the table holds an item of another form")

// decode reads an item; of its places those in the given indexes.
func decode(a attributes, indexes []string) (table.Item, error) {
	r := reading{a: a}
	i := table.Item{Key: table.Key{Partition: r.text(partitionName), Sort: r.text(sortName)}, Version: r.number(versionName)}
	if values, ok := a[attributesName].(*types.AttributeValueMemberM); ok {
		inner := reading{a: values.Value}
		i.Attributes = make(map[string]string, len(values.Value))
		for name := range values.Value {
			i.Attributes[name] = inner.text(name)
		}
		r.foreign = r.foreign || inner.foreign
	}
	for _, index := range indexes {
		partition, sort := indexNames(index)
		if a[partition] == nil {
			continue
		}
		if i.Index == nil {
			i.Index = map[string]table.Key{}
		}
		i.Index[index] = table.Key{Partition: r.text(partition), Sort: r.text(sort)}
	}
	if body, ok := a[bodyName].(*types.AttributeValueMemberB); ok {
		i.Body = body.Value
	}
	if a[expiresName] != nil {
		i.Expires = time.Unix(r.number(expiresName), 0).UTC()
	}
	if r.foreign || i.Version < 1 {
		return table.Item{}, errForeign
	}
	return i, nil
}

// reading reads attributes and notes whether all were there in their form.
type reading struct {
	a       attributes
	foreign bool
}

func (r *reading) text(name string) string {
	s, ok := r.a[name].(*types.AttributeValueMemberS)
	if !ok {
		r.foreign = true
		return ""
	}
	return s.Value
}

func (r *reading) number(name string) int64 {
	n, ok := r.a[name].(*types.AttributeValueMemberN)
	if !ok {
		r.foreign = true
		return 0
	}
	value, err := strconv.ParseInt(n.Value, 10, 64)
	r.foreign = r.foreign || err != nil
	return value
}

// expired tells whether the item is gone by now: from the instant of Expires on.
func expired(i table.Item, now time.Time) bool { return !i.Expires.IsZero() && !now.Before(i.Expires) }
