$ dstack version
  dstack 0.1.0
$ dstack version --json | grep -v -e commit -e compiler -e build_type
  {
    "schema": "dstack.version/1",
    "version": "0.1.0",
    "project": "dstack: Docker Compose apps in confidential VMs",
    "features": [
      "tee-simulated",
      "tee-tdx"
    ]
  }
