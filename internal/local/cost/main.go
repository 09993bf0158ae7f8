// Command cost prints what Gimbal Fleet costs on AWS: one provisioning, one update, a month of an idle instance and of whole
// fleets. It plays provisionings through the real workflows and steps against the vendors' simulators, counts what AWS would
// bill, and prices it by prices.json.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // a provisioning did not succeed, or something is not priced
	exitUsage  = 2 // the command line is wrong
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, problems io.Writer) int {
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.Usage = func() {
		say(problems, "usage: cost [-json] [-plays N] [-speed N]\n\nPrices one provisioning, one update, a month of an idle instance and of fleets.\n\n")
		flags.PrintDefaults()
	}
	document := flags.Bool("json", false, "print a JSON document")
	plays := flags.Int("plays", 5, "how many provisionings are played, side by side, and averaged; each has other latencies")
	speed := flags.Float64("speed", 10, "how many times as fast as real time; Fleet's own computing counts as many times")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		return exitUsage
	case flags.NArg() != 0 || *plays < 1 || *speed < 1 || *speed > 100:
		flags.Usage()
		return exitUsage
	}
	report, err := measure(context.Background(), *plays, *speed)
	if err == nil && *document {
		err = report.writeJSON(out)
	} else if err == nil {
		err = report.write(out)
	}
	if err != nil {
		say(problems, "%v\n", err)
		return exitFailed
	}
	return exitDone
}

// measure plays provisionings side by side, each in a world of its own: nearly all of their time is the vendors'.
func measure(ctx context.Context, plays int, speed float64) (Report, error) {
	prices, err := readPrices(priceList)
	if err != nil {
		return Report{}, err
	}
	played, failed := make([]Measured, plays), make([]error, plays)
	var all sync.WaitGroup
	for n := range plays {
		all.Go(func() { played[n], failed[n] = play(ctx, prices, uint64(n+1), clock.Scaled(time.Time{}, speed)) })
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return Report{}, err
	}
	return newReport(prices, mean(played), plays)
}
