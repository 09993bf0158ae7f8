package asl

import "encoding/json"

// longestRange is how many elements States.ArrayRange makes at most.
const longestRange = 1000

func arrayOf(_ invocation, arguments []any) (any, error) { return arguments, nil }

// array is the argument that must be one.
func array(value any) ([]any, error) {
	items, ok := value.([]any)
	if !ok {
		return nil, wrong("%s is no array", text(value))
	}
	return items, nil
}

func arrayLength(_ invocation, arguments []any) (any, error) {
	items, err := array(arguments[0])
	return integer(int64(len(items))), err
}

func arrayGetItem(i invocation, arguments []any) (any, error) {
	items, err := array(arguments[0])
	if err != nil {
		return nil, err
	}
	n, ok := arguments[1].(json.Number)
	if !ok {
		return nil, wrong("the index %s is no number", text(arguments[1]))
	}
	index, err := n.Int64()
	switch {
	case err != nil:
		return nil, i.unknown("the index %s is no whole number", n)
	case index < 0 || index >= int64(len(items)):
		return nil, wrong("the index %d is outside of the array, which has %d elements", index, len(items))
	}
	return items[index], nil
}

func arrayContains(i invocation, arguments []any) (any, error) {
	items, err := array(arguments[0])
	if err != nil {
		return nil, err
	}
	return i.contains(items, arguments[1])
}

func (i invocation) contains(items []any, value any) (bool, error) {
	var doubt any
	for _, item := range items {
		equal, certain := same(item, value)
		if equal && certain {
			return true, nil
		}
		if equal {
			doubt = item
		}
	}
	if doubt != nil {
		return false, i.unknown("it isn't known whether %s is %s there", text(doubt), text(value))
	}
	return false, nil
}

// arrayUnique keeps the first of equal elements.
func arrayUnique(i invocation, arguments []any) (any, error) {
	items, err := array(arguments[0])
	if err != nil {
		return nil, err
	}
	unique := []any{}
	for _, item := range items {
		there, err := i.contains(unique, item)
		if err != nil {
			return nil, err
		}
		if !there {
			unique = append(unique, item)
		}
	}
	return unique, nil
}

func arrayPartition(i invocation, arguments []any) (any, error) {
	items, err := array(arguments[0])
	if err != nil {
		return nil, err
	}
	size, err := rounded(i, arguments[1])
	switch {
	case err != nil:
		return nil, err
	case size < 1:
		return nil, wrong("a chunk can't have %d elements", size)
	}
	chunks := []any{}
	for len(items) > 0 {
		n := min(int(size), len(items))
		chunks = append(chunks, items[:n:n])
		items = items[n:]
	}
	return chunks, nil
}

func arrayRange(i invocation, arguments []any) (any, error) {
	var numbers [3]int64
	for n := range numbers {
		var err error
		if numbers[n], err = rounded(i, arguments[n]); err != nil {
			return nil, err
		}
	}
	first, last, step := numbers[0], numbers[1], numbers[2]
	switch {
	case step == 0:
		return nil, wrong("a step of 0 leads nowhere")
	case step < 0 || first > last:
		return nil, i.unknown("it isn't known what AWS makes of a range that goes down")
	case (last-first)/step >= longestRange:
		return nil, wrong("the array would have more than %d elements", longestRange)
	}
	items := []any{}
	for n := first; n <= last; n += step {
		items = append(items, integer(n))
	}
	return items, nil
}
