# Makes the container image of dstack-kms: the program, the libraries it needs as they are on this
# machine, libcurl which it loads when it fetches something, and the authorities that HTTPS trusts.
#   cmake -DDSTACK=… -DKMS=… -DCURL=… -DOUTPUT=… -P image.cmake
file(GET_RUNTIME_DEPENDENCIES RESOLVED_DEPENDENCIES_VAR libraries EXECUTABLES ${KMS} LIBRARIES ${CURL})
set(files usr/libexec/dstack/dstack-kms=${KMS})
foreach(library ${CURL} ${libraries})
  get_filename_component(name ${library} NAME)
  if(name MATCHES "^ld-linux")
    list(APPEND files lib64/${name}=${library})
  else()
    list(APPEND files usr/lib/${name}=${library})
  endif()
endforeach()
set(authorities /etc/ssl/certs/ca-certificates.crt)
if(EXISTS ${authorities})
  list(APPEND files etc/ssl/certs/ca-certificates.crt=${authorities})
endif()
list(TRANSFORM files PREPEND --file=)
execute_process(COMMAND ${DSTACK} __kms-image ${OUTPUT} ${files} COMMAND_ERROR_IS_FATAL ANY)
