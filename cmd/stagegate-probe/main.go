// Command stagegate-probe is what runs in probe pods.
//
//	stagegate-probe serve PORT   answer on PORT until told to end (0: only wait)
//	stagegate-probe stop         end the server of this container
//	stagegate-probe try          read an order from standard input, write results as JSON lines
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/stagegate/stagegate/internal/probe"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "stagegate-probe:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "serve":
		return probe.Serve(ctx, args[1])
	case len(args) == 1 && args[0] == "stop":
		return probe.Stop()
	case len(args) == 1 && args[0] == "try":
		return probe.Obey(ctx, os.Stdin, os.Stdout)
	}
	return fmt.Errorf("usage: stagegate-probe serve PORT | stop | try")
}
