// Podcli stands in for the command of that name which podinfo's chart probes with, for
// images of podinfo that were built without it: "podcli check http ADDRESS".
package main

import (
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get("http://" + strings.TrimPrefix(os.Args[len(os.Args)-1], "http://"))
	if err != nil || response.StatusCode != http.StatusOK {
		os.Exit(1)
	}
}
