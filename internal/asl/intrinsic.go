package asl

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
)

// intrinsic is one of the functions that a field with ".$" may call. Their arguments, limits and results are on
// https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
type intrinsic struct {
	least, most int // arguments
	run         func(i invocation, arguments []any) (any, error)
}

var intrinsics = map[string]intrinsic{
	"States.Array":          {0, math.MaxInt, arrayOf},
	"States.ArrayContains":  {2, 2, arrayContains},
	"States.ArrayGetItem":   {2, 2, arrayGetItem},
	"States.ArrayLength":    {1, 1, arrayLength},
	"States.ArrayPartition": {2, 2, arrayPartition},
	"States.ArrayRange":     {3, 3, arrayRange},
	"States.ArrayUnique":    {1, 1, arrayUnique},
	"States.Base64Decode":   {1, 1, base64Decode},
	"States.Base64Encode":   {1, 1, base64Encode},
	"States.Format":         {1, math.MaxInt, format},
	"States.Hash":           {2, 2, hash},
	"States.JsonMerge":      {3, 3, jsonMerge},
	"States.JsonToString":   {1, 1, jsonToString},
	"States.MathAdd":        {2, 2, mathAdd},
	"States.MathRandom":     {2, 3, mathRandom},
	"States.StringSplit":    {2, 2, stringSplit},
	"States.StringToJson":   {1, 1, stringToJSON},
	"States.UUID":           {0, 0, newUUID},
}

// rounded is a number taken to the nearest whole one and half ones upwards, as AWS was seen to.
func rounded(i invocation, value any) (int64, error) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, wrong("%s is no number", text(value))
	}
	if exact, err := n.Int64(); err == nil && exact >= math.MinInt32 && exact <= math.MaxInt32 {
		return exact, nil
	}
	f, err := n.Float64()
	if err != nil || f < math.MinInt32 || f > math.MaxInt32 {
		return 0, i.unknown("%s has more than 32 bits", n)
	}
	return int64(math.Floor(f + 0.5)), nil
}

func integer(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

func mathAdd(i invocation, arguments []any) (any, error) {
	a, err := rounded(i, arguments[0])
	if err != nil {
		return nil, err
	}
	b, err := rounded(i, arguments[1])
	if err != nil {
		return nil, err
	}
	if sum := a + b; sum < math.MinInt32 || sum > math.MaxInt32 {
		return nil, i.unknown("the sum has more than 32 bits")
	}
	return integer(a + b), nil
}

// mathRandom draws from the first number to the one before the second. The same seed gives the same number; without one
// it is the service's seed and the place that decide.
func mathRandom(i invocation, arguments []any) (any, error) {
	start, err := rounded(i, arguments[0])
	if err != nil {
		return nil, err
	}
	end, err := rounded(i, arguments[1])
	if err != nil {
		return nil, err
	}
	if start >= end {
		return nil, i.unknown("from %d there is nothing below %d", start, end)
	}
	random := i.draw()
	if len(arguments) == 3 {
		seed, err := rounded(i, arguments[2])
		if err != nil {
			return nil, err
		}
		random = rand.New(rand.NewPCG(uint64(seed), 0))
	}
	return integer(start + random.Int64N(end-start)), nil
}

// draw is a source of random numbers for this call alone.
func (i invocation) draw() *rand.Rand {
	v := i.visit
	v.drawn++
	place := fmt.Sprintf("%s#%d", v.state.name, v.drawn)
	if v.track.item != nil {
		place += fmt.Sprintf("[%d]", v.track.item.index)
	}
	return v.service.random(v.execution.arn, place, int(v.id), v.retries)
}

func newUUID(i invocation, _ []any) (any, error) {
	random := i.draw()
	return uuid(random.Uint64(), random.Uint64()), nil
}

// uuid makes a version 4 UUID of random bits.
func uuid(a, b uint64) string {
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

// plainNumber reports whether a number is written as every program writes it.
func plainNumber(n json.Number) bool {
	if _, err := n.Int64(); err == nil {
		return n != "-0"
	}
	if whole, ok := new(big.Int).SetString(n.String(), 10); ok {
		return whole.String() == n.String()
	}
	f, err := n.Float64()
	size := math.Abs(f)
	return err == nil && size >= 1e-3 && size < 1e7 && strconv.FormatFloat(f, 'f', -1, 64) == n.String()
}

// plainNumbers looks for a number of which it isn't known how AWS writes it.
func (i invocation) plainNumbers(value any) error {
	if n, ok := value.(json.Number); ok && !plainNumber(n) {
		return i.unknown("it isn't known how AWS writes the number %s", n)
	}
	for _, child := range children(value) {
		if err := i.plainNumbers(child); err != nil {
			return err
		}
	}
	return nil
}
