#include "guestsite/kms_signer.hpp"

#include "x509/certificate.hpp"

#include <algorithm>

namespace dstack::guestsite {

namespace {

constexpr unsigned at_a_time = 2;
constexpr std::size_t max_waiting = 32;
/// Who asks again and again while no address answers is told at once what was found out just now.
constexpr std::int64_t pause_ms = 3000;

guestapi::CertificateChain to_pem(const std::vector<Bytes>& chain)
{
  guestapi::CertificateChain out;
  for (const Bytes& der : chain)
    out.push_back(x509::to_pem(der));
  return out;
}

} // namespace

KmsSigner::KmsSigner(std::unique_ptr<sys::WorkerPool> workers, SignerSettings settings)
    : settings_(std::move(settings)), workers_(std::move(workers))
{
}

Result<std::unique_ptr<KmsSigner>> KmsSigner::create(sys::Loop& loop, SignerSettings settings)
{
  auto workers = TRY(sys::WorkerPool::create(loop, {at_a_time, max_waiting}));
  return std::unique_ptr<KmsSigner>{new KmsSigner{std::move(workers), std::move(settings)}};
}

void KmsSigner::sign(guestapi::SigningRequest request, guestapi::OnCertificate done)
{
  if (unreachable_ && settings_.now() < again_) return done(Error{*unreachable_});
  struct Job {
    kmsclient::Trusted kms;
    kmsclient::CertificateQuestion question;
    kmsclient::Reach reach;
    Time now;
    std::optional<Result<kmsclient::CertificateAnswer>> answer;
  };
  const auto job = std::make_shared<Job>();
  job->kms = settings_.kms;
  job->question = {std::move(request.csr), std::move(request.signature), settings_.vm_config,
                   std::move(request.spki), settings_.app_id};
  job->reach = settings_.reach;
  job->now = settings_.now();
  const auto work = [job] {
    job->answer = kmsclient::request_certificate(job->kms, job->question, job->reach, job->now);
  };
  const auto shared = std::make_shared<guestapi::OnCertificate>(std::move(done));
  const auto finish = [this, job, shared] {
    took(*job->answer);
    if (!*job->answer) return (*shared)(job->answer->error());
    (*shared)(to_pem((**job->answer).chain));
  };
  if (!workers_->run(work, finish))
    (*shared)(fail(Errc::io, "{} certificates are being asked of the KMS already",
                   max_waiting + at_a_time));
}

/// Remembers which address answers, and that none does.
void KmsSigner::took(const Result<kmsclient::CertificateAnswer>& answer)
{
  unreachable_.reset();
  if (answer) {
    auto& urls = settings_.kms.urls;
    const auto by = std::find_if(urls.begin(), urls.end(), [&](const kmsclient::Url& url) {
      return url.text == answer->url;
    });
    if (by != urls.end()) std::rotate(urls.begin(), by, by + 1);
    return;
  }
  const Errc code = answer.error().code();
  if (code != Errc::io && code != Errc::timeout && code != Errc::not_found) return;
  unreachable_ = Error{answer.error()};
  again_ = Time{settings_.now().ms + pause_ms};
}

} // namespace dstack::guestsite
