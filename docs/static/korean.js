// Words that Furo and its friends have in English only.
messages.ko = { copy: "복사", copy_to_clipboard: "클립보드로 복사", copy_success: "복사했습니다", copy_failure: "복사하지 못했습니다" };
locale = "ko";
document.addEventListener("DOMContentLoaded", () => {
  const say = (selector, text) =>
    document.querySelectorAll(selector).forEach((element) => (element.ariaLabel = text));
  say("#__navigation", "페이지 목록 열기/닫기");
  say("#__toc", "이 페이지의 목차 열기/닫기");
  say(".theme-toggle", "밝은 화면/어두운 화면/자동 전환");
  const heading = document.querySelector("h1");
  if (heading.textContent === "Search") heading.textContent = "검색";
});
