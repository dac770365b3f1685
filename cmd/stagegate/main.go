// Command stagegate gates changes to Kubernetes platforms.
package main

import (
	"context"
	"os"

	"github.com/stagegate/stagegate/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
